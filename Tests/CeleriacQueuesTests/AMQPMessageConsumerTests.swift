#if AMQP

import CeleriacAMQP
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Foundation
import Logging
import NIOConcurrencyHelpers
import NIOPosix
import TestSupport
import Testing

@testable import CeleriacQueues

/// The broker of these tests, which the first test starts.
actor LiveBroker {
    static let shared = LiveBroker()

    /// A missing broker fails the tests in CI and skips them elsewhere.
    static let isWanted =
        ProcessInfo.processInfo.environment["CI"] != nil
        || ["/usr/lib/rabbitmq/bin", "/opt/rabbitmq/sbin", "/usr/sbin", "/usr/local/sbin"].contains {
            FileManager.default.isExecutableFile(atPath: $0 + "/rabbitmq-server")
        }

    static let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    private var starting: Task<RabbitMQServer, any Error>?

    func server() async throws -> RabbitMQServer {
        let task = starting ?? Task { try await RabbitMQServer.start(.init()) }
        starting = task
        return try await task.value
    }

    static func configuration() async throws -> AMQPConfiguration {
        try AMQPConfiguration(url: await shared.server().url)
    }

    static func connect() async throws -> AMQPConnection {
        try await AMQPConnection.connect(
            configuration(), on: MultiThreadedEventLoopGroup.singleton.next(), logger: logger)
    }

    /// A queue name that no other test uses.
    static func queueName() -> String { "test-" + UUID().uuidString }
}

/// The tests run one after another, on one shared broker.
@Suite(
    .serialized, .timeLimit(.minutes(5)),
    .enabled(if: LiveBroker.isWanted, "rabbitmq-server is not installed; apt-get install rabbitmq-server"))
struct AMQPMessageConsumerTests {
    private struct Topology: AMQPConsumerTopology {
        var arguments: WireObject = [:]
        func declare(_ queues: [String], on connection: AMQPConnection) async throws(AMQPError) {
            let channel = try await connection.openChannel(confirms: false)
            for queue in queues where try await !connection.hasQueue(queue) {
                try await channel.queueDeclare(queue, durable: true, arguments: arguments)
            }
            await channel.close()
        }
        var limitsChannel = false
        func limitsChannel(queues: [String], server: AMQPServerInfo) -> Bool { limitsChannel }
        func limit(queues: [String], prefetch: Int, holding: Int, isGlobal: Bool) -> Int { prefetch + holding }
        func consumerTag(_ number: Int, nodeName: String) -> String { "consumer\(number)" }
        func name(of message: WireMessage) -> String? { String(decoding: message.body, as: UTF8.self) }
        func arguments(of queue: String) -> WireObject { arguments }
        var consumerArguments: [String: WireObject] = [:]
        func consumerArguments(of queue: String) -> WireObject { consumerArguments[queue] ?? [:] }
        func text(of time: Date) -> String { "now" }
    }

    func consume(
        _ queues: [String], prefetch: Int = 10, arguments: WireObject = [:],
        consumerArguments: [String: WireObject] = [:], limitsChannel: Bool = false,
        virtualHost: String = "/", user: String? = nil, publisher: AMQPConfiguration? = nil,
        at server: AMQPConfiguration? = nil, logger: Logger = LiveBroker.logger
    ) async throws -> AMQPMessageConsumer {
        var configuration = if let server { server } else { try await LiveBroker.configuration() }
        if let user { (configuration.user, configuration.password) = (user, "secret") }
        let publisher = publisher ?? configuration
        configuration.virtualHost = virtualHost
        let client = AMQPClient(
            configurations: [publisher],
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: LiveBroker.logger)
        return try await AMQPMessageConsumer.start(
            [configuration], parking: client,
            topology: Topology(
                arguments: arguments, limitsChannel: limitsChannel, consumerArguments: consumerArguments),
            options: ConsumerOptions(
                queues: queues.map { TaskQueue($0) }, prefetch: prefetch, nodeName: "test@here"),
            name: "test", on: MultiThreadedEventLoopGroup.singleton.next(), logger: logger)
    }

    func publish(_ text: String, to queue: String, on channel: AMQPChannel) async throws {
        let outcomes = try await channel.publish([
            AMQPPublish(routingKey: queue, mandatory: true, message: WireMessage(body: Array(text.utf8)))
        ])
        #expect(outcomes == [.confirmed])
    }

    func bodies(_ deliveries: [Delivery]) -> [String] {
        deliveries.compactMap { try? String(decoding: $0.content.get().body, as: UTF8.self) }
    }

    @Test("Looking at parked messages again and again loses none of them, also in a quorum queue")
    func parkedInQuorumQueue() async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel(confirms: true)
        let queue = LiveBroker.queueName()
        // The server would drop what came back more often.
        try await channel.queueDeclare(
            queue + ".parked", durable: true, arguments: ["x-queue-type": "quorum", "x-delivery-limit": 12])
        for text in ["a", "b"] {
            var message = WireMessage(body: Array(text.utf8))
            message.headers = ["x-celeriac-id": .string(text), "x-delivery-count": 3]
            let outcomes = try await channel.publish([
                AMQPPublish(routingKey: queue + ".parked", mandatory: true, message: message)
            ])
            #expect(outcomes == [.confirmed])
        }
        let client = AMQPClient(
            configurations: [try await LiveBroker.configuration()],
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: LiveBroker.logger)
        let parked = AMQPParkedMessages(client, at: "test", queue: queue, date: { _ in nil })
        for _ in 0..<30 {
            #expect(try await Set(parked.list(after: nil, limit: 10).map(\.id)) == ["a", "b"])
        }
        try await channel.queueDeclare(queue, durable: true)
        #expect(try await parked.requeue(["a"]) == 1)
        #expect(try await parked.drop(["b"]) == 1)
        let back = try await channel.get(queue: queue)
        // It goes back as if it had never been delivered.
        #expect(back?.message.body == Array("a".utf8) && back?.message.headers.isEmpty == true)
        #expect(back?.redelivered == false)
        #expect(try await parked.list(after: nil, limit: 10).isEmpty)
        await client.close()
        await connection.close()
    }

    @Test("Whoever asks for a look waits until the worker has what was there")
    func catchUp() async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel()
        let queue = LiveBroker.queueName()
        let consumer = try await consume([queue])
        try await checkCatchUp(of: consumer) { try await publish("a task", to: queue, on: channel) }
        try await channel.queueDelete(queue)
        await connection.close()
    }

    @Test("Parked messages of a quorum queue keep their order, however many of them somebody looks at")
    func parkedOrder() async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel(confirms: true)
        let queue = LiveBroker.queueName()
        // The server drops what comes back more often.
        try await channel.queueDeclare(
            queue + ".parked", durable: true, arguments: ["x-queue-type": "quorum", "x-delivery-limit": 4])
        let texts = (0..<5).map { "\($0)" }
        for text in texts { try await publish(text, to: queue + ".parked", on: channel) }
        let client = AMQPClient(
            configurations: [try await LiveBroker.configuration()],
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: LiveBroker.logger)
        let parked = AMQPParkedMessages(client, at: "test", queue: queue, date: { _ in nil })
        for look in 0..<20 {
            // The queue tells late of those that have just come back.
            try await until {
                try await channel.queueDeclare(queue + ".parked", passive: true).messageCount == 5
            }
            let limit = 1 + look % 6
            let found = try await parked.list(after: nil, limit: limit)
            #expect(found.map { String(decoding: $0.message, as: UTF8.self) } == Array(texts.prefix(limit)))
        }
        await #expect(throws: CeleriacError.self) { _ = try await parked.list(after: "unknown", limit: 1) }
        try await channel.queueDelete(queue + ".parked")
        await client.close()
        await connection.close()
    }

    @Test("What was dropped before the connection was lost is told; without a connection, the error is")
    func trimIsCutShort() async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel(confirms: true)
        let queue = LiveBroker.queueName()
        try await channel.queueDeclare(queue + ".parked", durable: true)
        let many = 2_000
        var message = WireMessage()
        message.headers = ["x-celeriac-time": "now"]
        _ = try await channel.publish(
            Array(repeating: AMQPPublish(routingKey: queue + ".parked", mandatory: true, message: message), count: many)
        )
        let client = AMQPClient(
            configurations: [try await LiveBroker.configuration()],
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: LiveBroker.logger)
        let read = NIOLockedValueBox(0)
        let parked = AMQPParkedMessages(client, at: "test", queue: queue) { _ in
            let count = read.withLockedValue {
                $0 += 1
                return $0
            }
            if count == 10 { Task { await client.close() } }
            return nil
        }
        let trim = try await parked.trim(to: ParkingPolicy(limit: 1), now: Date())
        #expect(trim.isCutShort && trim.dropped.count >= 10 && trim.dropped.count < many - 1)
        await #expect(throws: CeleriacError.self) {
            _ = try await parked.trim(to: ParkingPolicy(limit: 1), now: Date())
        }
        try await channel.queueDelete(queue + ".parked")
        await connection.close()
    }

    @Test("A trim drops no newer message in place of older ones that somebody returns meanwhile")
    func trimBesideALook() async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel(confirms: true)
        let queue = LiveBroker.queueName()
        try await channel.queueDeclare(queue + ".parked", durable: true)
        for text in ["1", "2", "3"] {
            _ = try await channel.publish([
                AMQPPublish(
                    routingKey: queue + ".parked", mandatory: true,
                    message: WireMessage(headers: ["x-celeriac-time": "now"], body: Array(text.utf8)))
            ])
        }
        var looked: [UInt64] = []
        for _ in 0..<2 { looked.append(try #require(try await channel.get(queue: queue + ".parked")).deliveryTag) }
        let client = AMQPClient(
            configurations: [try await LiveBroker.configuration()],
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: LiveBroker.logger)
        let beside = AMQPParkedMessages(client, at: "test", queue: queue) { [looked] _ in
            channel.nack(looked, requeue: true)
            return nil
        }
        let trim = try await beside.trim(to: ParkingPolicy(limit: 2, age: .seconds(3_600)), now: Date())
        #expect(trim.dropped.isEmpty)
        try await until {
            try await channel.queueDeclare(queue + ".parked", passive: true).messageCount == 3
        }
        let parked = AMQPParkedMessages(client, at: "test", queue: queue, date: { _ in nil })
        let alone = try await parked.trim(to: ParkingPolicy(limit: 2), now: Date())
        #expect(alone.dropped.map { String(decoding: $0.message.message, as: UTF8.self) } == ["1"])
        #expect(alone.left == 2)
        try await channel.queueDelete(queue + ".parked")
        await client.close()
        await connection.close()
    }

    @Test("A virtual host that does not exist is an error of the configuration")
    func missingVirtualHost() async throws {
        let error = await #expect(throws: CeleriacError.self) {
            _ = try await consume([LiveBroker.queueName()], virtualHost: "nowhere")
        }
        #expect(error?.code == .configuration)
        #expect((error?.cause as? AMQPError)?.replyCode == 530)
    }

    @Test("Recreates and consumes a deleted queue; other queues' deliveries stay claimed")
    func deletedQueue() async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel()
        let (kept, deleted) = (LiveBroker.queueName(), LiveBroker.queueName())
        let consumer = try await consume([kept, deleted])
        try await publish("kept", to: kept, on: channel)
        let first = try await consumer.next(atMost: 10)
        #expect(bodies(first) == ["kept"])
        try await channel.queueDelete(deleted)
        async let next = consumer.next(atMost: 10)
        // The queue exists again once it is consumed again.
        while true {
            let probe = try await connection.openChannel()
            if let queue = try? await probe.queueDeclare(deleted, passive: true), queue.consumerCount == 1 { break }
            await probe.close()
        }
        try await publish("again", to: deleted, on: channel)
        let second = try await next
        #expect(bodies(second) == ["again"])
        // The receipt from before the deletion still settles: nothing is delivered twice.
        try await consumer.settle((first + second).map { Settlement($0.receipt, .acknowledge) })
        try await consumer.close()
        #expect(try await channel.queueDeclare(kept, passive: true).messageCount == 0)
        #expect(try await channel.queueDeclare(deleted, passive: true).messageCount == 0)
        for queue in [kept, deleted] { try await channel.queueDelete(queue) }
        await connection.close()
    }

    @Test("With a limit for each consumer, messages held for later let others through")
    func heldAtQuorumQueue() async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel()
        let queue = LiveBroker.queueName()
        let consumer = try await consume([queue], prefetch: 4, arguments: ["x-queue-type": "quorum"])
        for number in 0..<20 { try await publish("\(number)", to: queue, on: channel) }
        var taken: [Delivery] = []
        while taken.count < 4 { taken += try await consumer.next(atMost: 20) }
        #expect(taken.count == 4)
        // These messages stand for tasks that wait for their time.
        try await consumer.hold(12)
        while taken.count < 16 { taken += try await consumer.next(atMost: 20) }
        #expect(Array(bodies(taken).prefix(16)) == (0..<16).map { "\($0)" })
        // One consumer replaced the other. (A declaration also counts cancelled consumers until everything is settled.)
        let listed = try await LiveBroker.shared.server().rabbitmqctl("list_consumers").split(separator: "\n")
        let own = listed.filter { $0.contains(queue) }
        #expect(own.count == 1 && own[0].contains("consumer1"))
        try await consumer.settle(taken.map { Settlement($0.receipt, .acknowledge) })
        while taken.count < 20 { taken += try await consumer.next(atMost: 20) }
        #expect(taken.allSatisfy { !$0.redelivered })
        try await consumer.close()
        try await channel.queueDelete(queue)
        await connection.close()
    }

    @Test("Replaces a channel that the broker closes; its held messages are delivered again")
    func closedChannel() async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel()
        let queue = LiveBroker.queueName()
        let consumer = try await consume([queue])
        try await publish("one", to: queue, on: channel)
        let first = try await consumer.next(atMost: 10)
        #expect(first.map(\.redelivered) == [false])
        // The broker closes the channel, not the connection.
        await consumer.provokeChannelError()
        // Without a connection the worker is not ready.
        await until { (try? await consumer.checkHealth()) == nil }
        let second = try await consumer.next(atMost: 10)
        #expect(bodies(second) == ["one"])
        try await consumer.checkHealth()
        #expect(second.map(\.redelivered) == [true])
        try await consumer.settle((first + second).map { Settlement($0.receipt, .acknowledge) })
        try await consumer.close()
        #expect(try await channel.queueDeclare(queue, passive: true).messageCount == 0)
        try await channel.queueDelete(queue)
        await connection.close()
    }

    @Test("Reconnects for the next queue after losing the connection while consuming none")
    func lostWithoutQueues() async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel()
        let queue = LiveBroker.queueName()
        let consumer = try await consume([queue])
        try await consumer.removeQueue(queue)
        await consumer.provokeChannelError()
        try await consumer.addQueue(TaskQueue(queue))
        async let next = consumer.next(atMost: 1)
        try await publish("there", to: queue, on: channel)
        #expect(bodies(try await next) == ["there"])
        try await consumer.close()
        try await channel.queueDelete(queue)
        await connection.close()
    }

    @Test("A stopped consumer gives back all its messages, taken or not, and receives none of them again")
    func stopped() async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel()
        let queue = LiveBroker.queueName()
        let consumer = try await consume([queue])
        for number in 0..<6 { try await publish("\(number)", to: queue, on: channel) }
        var taken: [Delivery] = []
        while taken.count < 3 { taken += try await consumer.next(atMost: 3 - taken.count) }
        await consumer.stop()
        #expect(try await consumer.next(atMost: 10).isEmpty)
        // One of them is still running.
        try await consumer.giveBack(taken.dropFirst().map(\.receipt))
        let other = try await consume([queue])
        var again: [Delivery] = []
        while again.count < 5 { again += try await other.next(atMost: 10) }
        #expect(bodies(again) == ["1", "2", "3", "4", "5"])
        try await consumer.settle([Settlement(taken[0].receipt, .acknowledge)])
        try await other.settle(again.map { Settlement($0.receipt, .acknowledge) })
        try await consumer.close()
        try await other.close()
        #expect(try await channel.queueDeclare(queue, passive: true).messageCount == 0)
        try await channel.queueDelete(queue)
        await connection.close()
    }

    /// Publishes a message that comes back once and is then moved when it begins.
    func comesBack(
        _ text: String, in queue: String, on channel: AMQPChannel, arguments: WireObject = [:],
        logger: Logger = LiveBroker.logger
    ) async throws -> AMQPMessageConsumer {
        try await publish(text, to: queue, on: channel)
        let first = try await consume([queue])
        let taken = try await first.next(atMost: 1)
        #expect(taken.map(\.redelivered) == [false])
        try await first.close()
        let consumer = try await consume([queue], arguments: arguments, logger: logger)
        let back = try await consumer.next(atMost: 1)
        #expect(back.map(\.redelivered) == [true] && back.map(\.attempts) == [0])
        try await consumer.markBegun(back.map(\.receipt))
        // It is to begin when it is delivered again.
        #expect(back.allSatisfy { !consumer.isHeld($0.receipt) })
        return consumer
    }

    @Test("A message that comes back is counted in a companion queue, and a stop takes no beginning for granted")
    func moved() async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel()
        let queue = LiveBroker.queueName()
        try await channel.queueDeclare(queue, durable: true)
        var consumer = try await comesBack("one", in: queue, on: channel)
        var taken = try await consumer.next(atMost: 10)
        #expect(bodies(taken) == ["one"] && taken.map(\.attempts) == [0] && taken.map(\.queue) == [queue])
        #expect(try taken.map { try $0.content.get().headers.count } == [0])
        // Its beginning was counted when it was moved.
        try await consumer.markBegun(taken.map(\.receipt))
        #expect(taken.allSatisfy { consumer.isHeld($0.receipt) })
        for attempt in 1...3 {
            // The consumer dies with it. In the queue, where a stop has left it, nothing says yet that it had begun.
            try await consumer.close()
            consumer = try await consume([queue])
            taken = try await consumer.next(atMost: 10)
            #expect(taken.map(\.attempts) == [attempt == 1 ? 1 : attempt - 1])
            try await consumer.markBegun(taken.map(\.receipt))
            #expect(taken.allSatisfy { !consumer.isHeld($0.receipt) })
            taken = try await consumer.next(atMost: 10)
            #expect(taken.map(\.attempts) == [attempt])
            for _ in 0..<4 {
                // A graceful stop before it began.
                await consumer.stop()
                try await consumer.giveBack(taken.map(\.receipt))
                #expect(try await channel.queueDeclare(queue, passive: true).messageCount == 1)
                try await consumer.close()
                consumer = try await consume([queue])
                taken = try await consumer.next(atMost: 10)
                #expect(taken.map(\.attempts) == [attempt])
            }
            try await consumer.markBegun(taken.map(\.receipt))
            #expect(taken.allSatisfy { consumer.isHeld($0.receipt) })
        }
        try await consumer.settle(taken.map { Settlement($0.receipt, .acknowledge) })
        try await consumer.close()
        for name in [queue, "\(queue).redelivered"] {
            #expect(try await channel.queueDeclare(name, passive: true).messageCount == 0)
            try await channel.queueDelete(name)
        }
        await connection.close()
    }

    @Test("A message that has come back is rejected as its own queue says; none takes it for a task meanwhile")
    func rejected() async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel()
        let queue = LiveBroker.queueName()
        try await channel.queueDeclare("\(queue).dead", durable: true)
        let arguments: WireObject = [
            "x-dead-letter-exchange": "", "x-dead-letter-routing-key": .string("\(queue).dead"),
        ]
        try await channel.queueDeclare(queue, durable: true, arguments: arguments)
        let consumer = try await comesBack("one", in: queue, on: channel, arguments: arguments)
        let taken = try await consumer.next(atMost: 10)
        // A worker that is not ours, of Python's or Go's, would take what is published to the queue.
        let other = try await connection.openChannel()
        let seen = NIOLockedValueBox(0)
        try await other.consume(queue: queue, consumerTag: "python") { events in
            for case .deliveries(let deliveries) in events { seen.withLockedValue { $0 += deliveries.count } }
        }
        try await consumer.settle(taken.map { Settlement($0.receipt, .reject) })
        var dead: AMQPDelivery?
        try await until {
            dead = try await channel.get(queue: "\(queue).dead", noAck: true)
            return dead != nil
        }
        #expect(dead?.message.body == Array("one".utf8))
        // It looks as if the broker had done it.
        let death = dead?.message.headers["x-death"]?[0]
        #expect(death?["queue"] == .string(queue) && death?["reason"] == "rejected" && death?["count"] == 1)
        #expect(dead?.message.headers["x-first-death-reason"] == "rejected")
        #expect(dead?.message.headers.contains { $0.key.hasPrefix("x-celeriac") } == false)
        try await consumer.close()
        await other.close()
        #expect(seen.withLockedValue { $0 } == 0)
        for name in [queue, "\(queue).redelivered"] {
            #expect(try await channel.queueDeclare(name, passive: true).messageCount == 0)
        }
        for name in [queue, "\(queue).redelivered", "\(queue).dead"] { try await channel.queueDelete(name) }
        await connection.close()
    }

    @Test(
        "A rejected message that has come back is dropped, and the log says so, where nobody takes it",
        arguments: [nil, "no-such-exchange", "amq.fanout"] as [String?])
    func rejectedForGood(_ exchange: String?) async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel()
        let queue = LiveBroker.queueName()
        try await channel.queueDeclare(queue, durable: true)
        let log = LogRecorder()
        let consumer = try await comesBack(
            "one", in: queue, on: channel, arguments: exchange.map { ["x-dead-letter-exchange": .string($0)] } ?? [:],
            logger: log.logger)
        let taken = try await consumer.next(atMost: 10)
        try await consumer.settle(taken.map { Settlement($0.receipt, .reject) })
        #expect(log.count("a rejected message that had come back is dropped") == 1)
        try await consumer.close()
        for name in [queue, "\(queue).redelivered"] {
            #expect(try await channel.queueDeclare(name, passive: true).messageCount == 0)
            try await channel.queueDelete(name)
        }
        await connection.close()
    }

    @Test("What goes to the end of its queue lets the others pass, and is the message that it was")
    func givenBackToEnd() async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel()
        let queue = LiveBroker.queueName()
        try await channel.queueDeclare(queue, durable: true)
        var message = WireMessage(headers: ["id": "0", "CC": [.string(queue + ".none")]], body: Array("0".utf8))
        message.properties.userID = "guest"
        message.properties.expiration = "60000"
        #expect(
            try await channel.publish([AMQPPublish(routingKey: queue, mandatory: true, message: message)])
                == [.confirmed])
        for number in 1..<150 { try await publish("\(number)", to: queue, on: channel) }
        let consumer = try await consume([queue], prefetch: 120)
        var taken: [Delivery] = []
        while taken.count < 120 { taken += try await consumer.next(atMost: 120 - taken.count) }
        let stale = Receipt(generation: 0, tag: 1)
        try await consumer.giveBackToEnd(taken.map(\.receipt) + [stale])
        #expect(taken.allSatisfy { !consumer.isHeld($0.receipt) })
        // Once more: there is nothing left to give back.
        try await consumer.giveBackToEnd(taken.map(\.receipt))
        var again: [Delivery] = []
        while again.count < 150 {
            let more = try await consumer.next(atMost: 120)
            try await consumer.settle(more.map { Settlement($0.receipt, .acknowledge) })
            again += more
        }
        #expect(bodies(again) == (Array(120..<150) + Array(0..<120)).map { "\($0)" })
        #expect(again.allSatisfy { !$0.redelivered && $0.attempts == 0 && $0.moves == 0 })
        let back = try again[30].content.get()
        #expect(back.headers["CC"] == message.headers["CC"] && back.headers["id"] == "0" && back.headers.count == 2)
        #expect(back.properties.userID == "guest")
        let left = back.properties.expiration.flatMap { Int($0) } ?? 0
        #expect(left > 0 && left <= 60_000)
        try await consumer.close()
        #expect(try await channel.queueDelete(queue) == 0)
        await connection.close()
    }

    @Test("What the companion gives back to its queue runs there with its count", arguments: ["classic", "quorum"])
    func expired(_ type: String) async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel()
        let queue = LiveBroker.queueName()
        try await channel.queueDeclare(queue, durable: true, arguments: ["x-queue-type": .string(type)])
        let companion = RedeliveredMessage.companion(of: queue)
        try await channel.queueDeclare(
            companion, durable: true,
            arguments: RedeliveredMessage.arguments(of: queue, isQuorum: type == "quorum"))
        // No worker is there for as long as it may wait.
        var message = WireMessage(headers: ["id": "1"], body: [1]).moved(attempts: 3, queue: queue)
        message.properties.expiration = "1"
        #expect(
            try await channel.publish([AMQPPublish(routingKey: companion, mandatory: true, message: message)])
                == [.confirmed])
        try await until { try await channel.queueDeclare(queue, passive: true).messageCount == 1 }
        let consumer = try await consume([queue])
        let taken = try await consumer.next(atMost: 1)
        // Its third counted beginning is still at hand.
        #expect(taken.map(\.attempts) == [2])
        #expect(try taken.map { try $0.content.get().headers } == [["id": "1"]])
        try await consumer.markBegun(taken.map(\.receipt))
        #expect(taken.allSatisfy { consumer.isHeld($0.receipt) })
        try await consumer.settle(taken.map { Settlement($0.receipt, .acknowledge) })
        try await consumer.close()
        for name in [queue, companion] {
            #expect(try await channel.queueDeclare(name, passive: true).messageCount == 0)
            try await channel.queueDelete(name)
        }
        await connection.close()
    }

    @Test(
        "A message that is given back again and again does not reach the limit of a quorum queue",
        arguments: [15, 3, 2] as [Int64], [false, true])
    func renewed(limit: Int64, restarts: Bool) async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel()
        let queue = LiveBroker.queueName()
        try await channel.queueDeclare(
            queue, durable: true, arguments: ["x-queue-type": "quorum", "x-delivery-limit": .int(limit)])
        try await publish("one", to: queue, on: channel)
        var consumer = try await consume([queue])
        for _ in 0..<25 {
            let taken = try await consumer.next(atMost: 1)
            #expect(bodies(taken) == ["one"])
            if restarts { await consumer.stop() }
            try await consumer.giveBack(taken.map(\.receipt))
            if restarts {
                try await consumer.close()
                consumer = try await consume([queue])
            }
        }
        let taken = try await consumer.next(atMost: 1)
        #expect(bodies(taken) == ["one"])
        try await consumer.settle(taken.map { Settlement($0.receipt, .acknowledge) })
        try await consumer.close()
        try await channel.queueDelete(queue)
        await connection.close()
    }

    @Test("A message whose workers die again and again does not reach the limit of a quorum queue")
    func worn() async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel()
        let queue = LiveBroker.queueName()
        // RabbitMQ 4 has this limit unless told otherwise.
        try await channel.queueDeclare(
            queue, durable: true, arguments: ["x-queue-type": "quorum", "x-delivery-limit": 20])
        try await publish("one", to: queue, on: channel)
        let consumer = try await consume([queue])
        for round in 0..<30 {
            let taken = try await consumer.next(atMost: 1)
            #expect(bodies(taken) == ["one"] && taken.map(\.redelivered) == [round > 0])
            // To the broker a death looks the same.
            await consumer.channel?.close()
        }
        let taken = try await consumer.next(atMost: 1)
        #expect(bodies(taken) == ["one"])
        try await consumer.settle(taken.map { Settlement($0.receipt, .acknowledge) })
        try await consumer.close()
        #expect(try await channel.queueDeclare(queue, passive: true).messageCount == 0)
        try await channel.queueDelete(queue)
        await connection.close()
    }

    @Test("A worker without the right to the companion goes on, and counts nothing")
    func withoutRight() async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel()
        let queue = LiveBroker.queueName()
        try await channel.queueDeclare(queue, durable: true)
        let server = try await LiveBroker.shared.server()
        try await server.rabbitmqctl("add_user", queue, "secret")
        try await server.rabbitmqctl("set_permissions", queue, "^$", "^amq.default$", "^\(queue)$")
        try await publish("one", to: queue, on: channel)
        for attempt in 0..<8 {
            let consumer = try await consume([queue], user: queue)
            let taken = try await consumer.next(atMost: 1)
            #expect(taken.map(\.redelivered) == [attempt > 0] && taken.map(\.attempts) == [0])
            try await consumer.markBegun(taken.map(\.receipt))
            #expect(taken.allSatisfy { consumer.isHeld($0.receipt) })
            try await consumer.close()
        }
        #expect(try await channel.queueDeclare(queue, passive: true).messageCount == 1)
        try await channel.queueDelete(queue)
        try await server.rabbitmqctl("delete_user", queue)
        await connection.close()
    }

    @Test("A parked message goes nowhere else and records its CC and user id")
    func parked() async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel()
        let queue = LiveBroker.queueName()
        // The companion already exists, with arguments that we would not give it.
        try await channel.queueDeclare("\(queue).parked", durable: true, arguments: ["x-max-length": 100])
        let consumer = try await consume([queue])
        var message = WireMessage(headers: ["CC": .array([.string(queue)])], body: [1])
        message.properties.userID = "guest"
        #expect(
            try await channel.publish([AMQPPublish(routingKey: queue, mandatory: true, message: message)])
                == [.confirmed])
        let fault = MessageFault(reason: "bad", detail: "it is bad")
        let deliveries = try await consumer.next(atMost: 10)
        try await consumer.settle(deliveries.map { Settlement($0.receipt, .park(fault)) })
        try await consumer.close()
        #expect(try await channel.queueDeclare(queue, passive: true).messageCount == 0)
        let kept = try #require(try await channel.get(queue: "\(queue).parked", noAck: true))
        #expect(kept.message.headers["x-celeriac-CC"] == .array([.string(queue)]))
        #expect(kept.message.headers["CC"] == nil)
        #expect(kept.message.headers["x-celeriac-user-id"] == .string("guest"))
        #expect(kept.message.body == [1])
        for name in [queue, "\(queue).parked"] { try await channel.queueDelete(name) }
        await connection.close()
    }

    @Test("A message that cannot be parked delays neither the next one nor those parked with it")
    func unparkable() async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel()
        let queue = LiveBroker.queueName()
        let consumer = try await consume([queue])
        // Together with what parking adds, these headers exceed a frame.
        let room = try await LiveBroker.configuration().frameMax - 500
        let message = WireMessage(headers: ["h": .string(String(repeating: "x", count: Int(room)))], body: [1])
        #expect(
            try await channel.publish([AMQPPublish(routingKey: queue, mandatory: true, message: message)])
                == [.confirmed])
        for number in 0..<20 { try await publish("\(number)", to: queue, on: channel) }
        let fault = MessageFault(reason: "bad", detail: String(repeating: "very ", count: 200))
        var settled = 0
        while settled < 21 {
            let deliveries = try await consumer.next(atMost: 10)
            #expect(deliveries.allSatisfy { !$0.redelivered })
            try await consumer.settle(deliveries.map { Settlement($0.receipt, .park(fault)) })
            settled += deliveries.count
        }
        #expect(try await channel.queueDeclare("\(queue).parked", passive: true).messageCount == 20)
        try await consumer.close()
        // The message goes back to its queue once the broker has noticed that the connection has ended.
        try await until { try await channel.queueDeclare(queue, passive: true).messageCount == 1 }
        for name in [queue, "\(queue).parked"] { try await channel.queueDelete(name) }
        await connection.close()
    }
}

extension AMQPMessageConsumer {
    /// Passively declares a missing queue on the consumers' channel.
    fileprivate func provokeChannelError() async {
        _ = try? await channel?.queueDeclare("celeriac-no-such-queue", passive: true)
    }
}

#endif
