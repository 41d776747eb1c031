#if AMQP && Redis
import Celeriac
import CeleriacCore
import CeleriacAMQP
import CeleriacRedis
import CeleriacTestKit
import NIOPosix
import TestSupport
import Testing

/// Tests workers whose users may do little, and queues that are not as the settings say.
@Suite("Rights and existing queues", .serialized)
struct RightsTests {
    private static let add = TaskDefinition<Int, Int, Int>("tasks.add")
    private static let sum = TaskDefinition<[Int], Int>("tasks.sum_ints")
    private static let total = TaskDefinition<Variadic<Int>, Int>("tasks.total")

    /// Each task finds an idle worker. One that could not end its wait would let the task wait for 30 s.
    @Test(
        "A Redis user with the rights that the documentation lists, and no others, is served as fast, and stops as fast",
        .timeLimit(.minutes(5)), arguments: DialectUnderTest.allCases)
    func listedRights(_ dialect: DialectUnderTest) async throws {
        let server = try await RedisServer.start(.init(persistent: false))
        let admin = RedisClient(
            try RedisConfiguration(url: server.url), eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: LogRecorder().logger)
        let page = try RedisRightsPage()
        func url(_ user: String, _ rows: [String]) async throws -> String {
            var command = RedisCommand("ACL", "SETUSER", user, "on", ">secret", "resetkeys", "resetchannels")
            for row in rows { for right in try page.keys(row, queue: dialect.queue) { command.append(right) } }
            let role = dialect == .celery ? RedisRightsPage.Role.celery : .machinery
            for right in page.commands(of: role) { command.append(right) }
            try await admin.send(command)
            return "redis://\(user):secret@127.0.0.1:\(server.port)/0"
        }
        let tasks: String
        let results: String
        switch dialect {
        case .celery:
            // The queue's name begins as the keys of results do, so results have a user of their own.
            tasks = try await url("tasks", ["Celery's queues", "Celery's remote control and events"])
            results = try await url("results", ["Celery's results"])
        case .machinery:
            tasks = try await url("tasks", ["Machinery"])
            results = tasks
        }
        let site = try await dialect.site(worker: tasks, sender: tasks, results: results, logger: LogRecorder().logger)
        let handlers = [
            Self.add.handler { $0 + $1 }, Self.sum.handler { $0.reduce(0, +) },
            Self.total.handler { $0.elements.reduce(0, +) },
        ]
        do {
            for _ in 0..<3 {
                try await withRunning(site.worker(handlers)) {
                    for number in 0..<10 {
                        let sum = try await site.app.send(Self.add(number, 1)).get(timeout: .seconds(120))
                        #expect(sum == number + 1)
                    }
                    let late = try await site.app.send(Self.add(2, 3), countdown: .milliseconds(200))
                    let five = try await late.get(timeout: .seconds(120))
                    #expect(five == 5)
                    let members = [Self.add(1, 2), Self.add(3, 4)]
                    guard dialect == .celery else {
                        // Machinery gives a callback one argument for each member.
                        let joined = try await site.app.send(chord(members, body: Self.total([])))
                        let ten = try await joined.get(timeout: .seconds(120))
                        #expect(ten == 10)
                        return
                    }
                    let joined = try await site.app.send(chord(members, body: Self.sum))
                    let ten = try await joined.get(timeout: .seconds(120))
                    #expect(ten == 10)
                    let driver = try await PythonPeer(broker: server.url, results: server.url).startDriver()
                    let answers = try await driver.ping()
                    #expect(answers.count == 1)
                    await driver.stop()
                }
            }
        } catch {
            let refused = try await admin.send(RedisCommand("ACL", "LOG"))
            Issue.record("\(error); Redis has refused \(refused)")
        }
        let refused = try await admin.send(RedisCommand("ACL", "LOG")).array
        #expect(refused?.isEmpty == true, "\(refused.map { "\($0)" } ?? "no log")")
        await site.close()
        await admin.close()
        await server.stop()
    }

    @Test(
        "A quorum queue that exists is used without configuration", .timeLimit(.minutes(5)),
        arguments: DialectUnderTest.allCases)
    func existingQuorumQueue(_ dialect: DialectUnderTest) async throws {
        let url = try await SharedServers.shared.rabbitMQVirtualHostURL()
        let client = AMQPClient(
            configurations: [try AMQPConfiguration(url: url)], eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: LogRecorder().logger)
        let channel = try await client.connection().openChannel(confirms: false)
        for queue in [dialect.queue, "second"] {
            _ = try await channel.queueDeclare(queue, durable: true, arguments: ["x-queue-type": "quorum"])
        }
        let log = LogRecorder()
        let site = try await dialect.site(worker: url, sender: url, logger: log.logger)
        let runs = Runs()
        let worker = site.worker([
            Self.add.handler { x, y in
                runs.add(x)
                return x + y
            }
        ])
        try await withRunning(worker) {
            for number in 0..<5 {
                #expect(try await site.app.send(Self.add(number, 1)).get(timeout: .seconds(120)) == number + 1)
            }
            guard dialect == .celery else { return }
            // Remote control adds another one.
            let driver = try await PythonPeer(broker: url, results: "rpc://").startDriver()
            let answers = try await driver.ping(timeout: .seconds(120))
            #expect(!answers.isEmpty, "the worker answers")
            _ = try await driver.ask("control", ["command": "add_consumer", "arguments": ["queue": "second"]])
            let sent = try await site.app.send(Self.add(9, 1), queue: "second")
            #expect(try await sent.get(timeout: .seconds(120)) == 10)
            await driver.stop()
        }
        #expect(runs.repeated.isEmpty && log.count("the broker is out of reach, trying again") == 0)
        await client.close()
        await site.close()
    }
}
#endif
