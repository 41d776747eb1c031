#if AMQP && Redis
import Celeriac
import CeleriacCore
import CeleriacRedis
import CeleriacTestKit
import Foundation
import Logging
import NIOPosix
import TestSupport
import Testing

/// Tests what takes its time: long tasks, bytes that come late, tasks that a worker does not know.
@Suite("Field: time", .serialized, .field)
struct FieldTimeTests {
    private static let work = TaskDefinition<Int, Double, Int>("tasks.work")
    private static let hold = TaskDefinition<Int, Int>("tasks.hold")

    @Test(
        "Tasks of 20 s and ETAs of 60 s among 200 short ones, with a consumer_timeout of 8 s", .timeLimit(.minutes(5)),
        arguments: DialectUnderTest.allCases)
    func consumerTimeout(_ dialect: DialectUnderTest) async throws {
        let server = try await RabbitMQServer.start(
            .init(configuration: ["consumer_timeout = 8000"], advanced: ["channel_tick_interval": "1000"]))
        let runs = Runs()
        let handler = Self.work.handler { number, seconds in
            runs.add(number)
            try await Task.sleep(for: .seconds(seconds))
            return number
        }
        let log = LogRecorder()
        let site = try await dialect.site(
            worker: server.url, sender: server.url, concurrency: 8, logger: log.logger)
        try await withRunning(site.worker([handler])) {
            var sent: [AsyncResult<Int>] = []
            for number in 0..<4 { sent.append(try await site.app.send(Self.work(number, 20))) }
            for number in 4..<8 {
                sent.append(try await site.app.send(Self.work(number, 0), countdown: .seconds(60)))
            }
            for first in stride(from: 8, to: 208, by: 10) {
                let short = try await site.app.send((first..<first + 10).map { Self.work($0, 0.5) })
                for result in short { _ = try await result.get(timeout: .seconds(120)) }
            }
            for (number, result) in sent.enumerated() {
                #expect(try await result.get(timeout: .seconds(180)) == number)
            }
            try await until { try await LiveServer.rabbitMQ(server).messages(in: site.queue) == (0, 0) }
        }
        let lost = log.count("lost the connection to the broker")
        print("\(dialect.rawValue): 208 tasks, \(runs.total) runs, \(lost) channels closed by consumer_timeout")
        #expect(runs.repeated.isEmpty && runs.total == 208 && lost > 0)
        await site.close()
        await server.stop()
    }

    /// What the worker sends to Redis is held back until it has given up, connected again and taken the messages. Then
    /// the claim arrives. If it took what waits now, nobody would hold that until the visibility timeout, an hour.
    @Test(
        "A claim that arrives more than 30 s late takes nothing", .timeLimit(.minutes(5)),
        arguments: DialectUnderTest.allCases)
    func lateClaim(_ dialect: DialectUnderTest) async throws {
        let server = try await RedisServer.start(.init(persistent: false))
        let (proxy, url) = try await RecordingProxy.start(before: server.url)
        let watcher = try await RedisConnection.connect(
            try RedisConfiguration(url: server.url), on: sharedEventLoop(), logger: Logger(label: "live"))
        let log = LogRecorder()
        let site = try await dialect.site(
            worker: url, sender: server.url, results: server.url, concurrency: 1, prefetch: 1, logger: log.logger)
        let (begun, release) = (Gate(), Gate())
        let runs = Runs()
        let handlers = [
            Self.hold.handler { number in
                runs.add(number)
                begun.open()
                await release.wait()
                return number
            },
            Self.work.handler { number, _ in
                runs.add(number)
                return number
            },
        ]
        try await withRunning(site.worker(handlers)) {
            #expect(try await site.app.send(Self.work(0, 0)).get(timeout: .seconds(60)) == 0)
            // The worker waits at each of its lists again, so it is a claim that is held back.
            let lists = dialect == .celery ? CeleryRedisOptions().prioritySteps.count : 1
            try await until {
                try await watcher.send(RedisCommand("INFO", "clients")).string?.contains("blocked_clients:\(lists)\r")
                    == true
            }
            proxy.freeze()
            let first = try await site.app.send(Self.hold(1))
            await begun.wait()
            let waiting = try await site.app.send((2..<10).map { Self.work($0, 0) })
            proxy.thaw()
            await until { proxy.lateAnswers > 0 }
            release.open()
            #expect(try await first.get(timeout: .seconds(10)) == 1)
            for (number, result) in waiting.enumerated() {
                #expect(try await result.get(timeout: .seconds(10)) == number + 2)
            }
        }
        #expect(log.count("cannot take messages, trying again") > 0)
        #expect(runs.repeated.isEmpty && runs.total == 10)
        await watcher.close()
        await site.close()
        try await proxy.stop()
        await server.stop()
    }

    /// The worker that does not know the tasks runs in a process of its own, so that its CPU can be told.
    @Test(
        "A worker that knows none of 40 tasks gives them back without a hot loop, until one comes that does",
        .timeLimit(.minutes(5)), arguments: BrokerSite.Kind.available)
    func unknownTasks(_ kind: BrokerSite.Kind) async throws {
        let site = try await MachinerySite(kind)
        let known = TaskDefinition<Int, Int>("known")
        let stranger = try await LiveWorkerProcess.start(on: site, name: "stranger")
        let sent = try await site.app.send((0..<40).map { known($0) })
        let (start, before) = (ContinuousClock.now, try Self.cpu(of: stranger.child.pid))
        // Each message has come back several times by then.
        while ContinuousClock.now - start < .seconds(20) { try await Task.sleep(for: .milliseconds(100)) }
        let share = (try Self.cpu(of: stranger.child.pid) - before) / 20
        print("Machinery, \(kind.rawValue): \(share * 100) % of a CPU for 40 unknown tasks")
        #expect(share < 0.25)
        let warnings = stranger.logged.split(separator: "\n").filter { $0.contains("known") && $0.contains(" warning") }
        #expect(warnings.count == 1, "\(stranger.logged)")
        let results = try await withRunning(
            site.app.worker(consumerTag: "knows", concurrency: 4) { known.handler { $0 } }
        ) { try await sent.get(timeout: .seconds(60)) }
        #expect(results == Array(0..<40))
        #expect(try await site.server.messages(in: "machinery_tasks.parked").waiting == 0)
        #expect(await stranger.stop() == .exited(0), "\(stranger.logged)")
        try await until { try await site.messages() == (0, 0) }
        await site.close()
    }

    /// The seconds of CPU that a process has used.
    private static func cpu(of pid: Int32) throws -> Double {
        let fields =
            try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8).split(separator: ")").last?
            .split(separator: " ").compactMap { Double($0) } ?? []
        // The state, a letter, is dropped: the times are the 14th and 15th field of the file, which counts from 1.
        try #require(fields.count > 11)
        return (fields[10] + fields[11]) / 100
    }
}
#endif
