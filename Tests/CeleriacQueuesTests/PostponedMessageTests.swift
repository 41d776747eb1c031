#if AMQP
import CeleriacAMQP
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Foundation
import Logging
import NIOConcurrencyHelpers
import NIOPosix
import Testing

@testable import CeleriacQueues

/// Tests what RabbitMQ does with messages in the levels.
@Suite(
    .serialized, .timeLimit(.minutes(5)),
    .enabled(if: LiveBroker.isWanted, "rabbitmq-server is not installed; apt-get install rabbitmq-server"))
struct PostponedMessageTests {
    private struct Topology: AMQPConsumerTopology {
        var arguments: WireObject = [:]
        let longestHold: Duration? = .seconds(2)
        func declare(_ queues: [String], on connection: AMQPConnection) async throws(AMQPError) {
            let channel = try await connection.openChannel(confirms: false)
            for queue in queues { try await channel.queueDeclare(queue, durable: true, arguments: arguments) }
            await channel.close()
        }
        func limitsChannel(queues: [String], server: AMQPServerInfo) -> Bool { false }
        func limit(queues: [String], prefetch: Int, holding: Int, isGlobal: Bool) -> Int { 100 }
        func consumerTag(_ number: Int, nodeName: String) -> String { "consumer\(number)" }
        func attempts(of delivery: AMQPDelivery) -> Int {
            delivery.message.headers["x-delivery-count"]?.intValue ?? 0
        }
        func name(of message: WireMessage) -> String? { String(decoding: message.body, as: UTF8.self) }
        func text(of time: Date) -> String { "now" }
    }

    private func consume(
        _ queues: [String], arguments: WireObject = [:], user: String? = nil, logger: Logger = LiveBroker.logger
    ) async throws -> AMQPMessageConsumer {
        var configuration = try await LiveBroker.configuration()
        if let user {
            let url = try await LiveBroker.shared.server().url
            configuration = try AMQPConfiguration(url: url.replacing("guest:guest", with: "\(user):\(user)"))
        }
        return try await AMQPMessageConsumer.start(
            [configuration],
            parking: AMQPClient(
                configurations: [configuration], eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger),
            topology: Topology(arguments: arguments),
            options: ConsumerOptions(queues: queues.map { TaskQueue($0) }, prefetch: 100, nodeName: "test@here"),
            name: "test", on: MultiThreadedEventLoopGroup.singleton.next(), logger: logger)
    }

    /// Takes messages, as many as are expected.
    private func take(_ count: Int, from consumer: AMQPMessageConsumer) async throws -> [Delivery] {
        var deliveries: [Delivery] = []
        while deliveries.count < count { deliveries += try await consumer.next(atMost: 100) }
        return deliveries
    }

    /// Has messages moved, and acknowledges those that were, as a worker does.
    private func postpone(
        _ deliveries: [Delivery], to time: Date, at consumer: AMQPMessageConsumer
    ) async throws -> [Bool] {
        let areMoved = await consumer.postpone(deliveries.map { Postponement($0.receipt, until: time) })
        try await consumer.settle(zip(deliveries, areMoved).filter(\.1).map { Settlement($0.0.receipt, .acknowledge) })
        return areMoved
    }

    private func headers(of message: WireMessage) -> [String: WireValue] {
        Dictionary(uniqueKeysWithValues: message.headers.map { ($0.key, $0.value) })
    }

    private func message(_ number: Int) -> WireMessage {
        var message = WireMessage(
            headers: ["id": .string("\(number)"), "eta": "soon", "retries": 0, "CC": [.string("nobody")]],
            body: (0...255).map { UInt8($0) } + Array("\(number)".utf8))
        message.properties.contentType = "application/json"
        message.properties.contentEncoding = "utf-8"
        message.properties.correlationID = "\(number)"
        message.properties.replyTo = "reply"
        message.properties.priority = 4
        message.properties.deliveryMode = 2
        message.properties.userID = "guest"
        message.properties.expiration = "60000"
        return message
    }

    @Test(
        "Messages come back to their queues as they were, whatever the names, not before their time",
        arguments: ["classic", "quorum"])
    func comeBack(_ type: String) async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel()
        let id = UUID().uuidString
        let (exchange, names) = ("e-" + id, ["", ".*", ".#", ".a.b", ".1.0", ".%2A"].map { "\(id)\($0)" })
        try await channel.exchangeDeclare(exchange, type: "topic", durable: false)
        let consumer = try await consume(names, arguments: ["x-queue-type": .string(type)])
        for (number, name) in names.enumerated() {
            try await channel.queueBind(name, exchange: exchange, routingKey: "task.\(number)")
            let publish = AMQPPublish(
                exchange: exchange, routingKey: "task.\(number)", mandatory: true, message: message(number))
            #expect(try await channel.publish([publish]) == [.confirmed])
        }
        let first = try await take(names.count, from: consumer)
        let (start, clock) = (Date(), ContinuousClock.now)
        let areMoved = try await postpone(first, to: start.addingTimeInterval(4.5), at: consumer)
        try #require(areMoved.allSatisfy { $0 })
        let back = try await take(names.count, from: consumer)
        #expect(ContinuousClock.now - clock >= .seconds(3))
        for delivery in back {
            let before = try #require(first.first { $0.queue == delivery.queue })
            var (now, then) = (try delivery.content.get(), try before.content.get())
            // It has what is left of its time.
            let left = now.properties.expiration.flatMap { Int($0) } ?? 0
            #expect(left > 0 && left < 60_000)
            now.properties.expiration = nil
            then.properties.expiration = nil
            #expect(now.body == then.body && now.properties == then.properties)
            // RabbitMQ sorts headers when it adds one.
            #expect(headers(of: now) == headers(of: then))
            #expect(delivery.exchange == exchange && delivery.routingKey == before.routingKey)
            #expect(!delivery.redelivered && delivery.attempts == 0 && delivery.moves == 1 && before.moves == 0)
        }
        #expect(Set(back.map(\.queue)) == Set(names))
        // Once more, and then seen by a consumer that knows nothing of it.
        let areMovedAgain = try await postpone(back, to: Date().addingTimeInterval(3), at: consumer)
        try #require(areMovedAgain.allSatisfy { $0 })
        let again = try await take(names.count, from: consumer)
        #expect(again.allSatisfy { $0.moves == 2 })
        try await consumer.giveBack(again.map(\.receipt))
        try await consumer.close()
        for (number, name) in names.enumerated() {
            var found: AMQPDelivery?
            try await until {
                found = try await channel.get(queue: name, noAck: true)
                return found != nil
            }
            let raw = try #require(found)
            #expect(raw.exchange == "" && raw.routingKey == name && raw.message.body == message(number).body)
            #expect(try await channel.get(queue: name, noAck: true) == nil)
            for queue in [name, DelayLevels.last(before: name)] { try await channel.queueDelete(queue) }
        }
        await connection.close()
    }

    @Test("A message that came back from a level and is lost with its connection is delivered again, as itself")
    func redelivered() async throws {
        let (queue, connection) = (LiveBroker.queueName(), try await LiveBroker.connect())
        let channel = try await connection.openChannel()
        let consumer = try await consume([queue], arguments: ["x-queue-type": "quorum"])
        let publish = AMQPPublish(routingKey: queue, mandatory: true, message: message(1))
        #expect(try await channel.publish([publish]) == [.confirmed])
        let first = try await take(1, from: consumer)
        let areMoved = try await postpone(first, to: Date().addingTimeInterval(3), at: consumer)
        try #require(areMoved == [true])
        let back = try await take(1, from: consumer)
        _ = try? await consumer.channel?.queueDeclare("celeriac-no-such-queue", passive: true)
        let again = try await take(1, from: consumer)
        #expect(again[0].redelivered && again[0].moves == 1 && again[0].routingKey == back[0].routingKey)
        // A receipt of the lost channel moves nothing.
        #expect(await consumer.postpone([Postponement(back[0].receipt, until: .distantFuture)]) == [false])
        try await consumer.settle([Settlement(again[0].receipt, .acknowledge)])
        try await consumer.close()
        #expect(try await channel.queueDelete(queue) == 0)
        await connection.close()
    }

    @Test("A message for the distant future lies in the highest level; one too close or with large headers stays")
    func extremes() async throws {
        let (queue, connection) = (LiveBroker.queueName(), try await LiveBroker.connect())
        let channel = try await connection.openChannel()
        let consumer = try await consume([queue])
        let large = WireMessage(headers: ["h": .string(String(repeating: "x", count: 60_000))], body: [1])
        for message in [message(1), large] {
            let publish = AMQPPublish(routingKey: queue, mandatory: true, message: message)
            #expect(try await channel.publish([publish]) == [.confirmed])
        }
        let taken = try await take(2, from: consumer)
        #expect(try await postpone(taken, to: Date().addingTimeInterval(1), at: consumer) == [false, false])
        #expect(try await postpone(taken, to: .distantFuture, at: consumer) == [true, false])
        let highest = DelayLevels.name(DelayLevels.count - 1)
        // The queue's count follows.
        try await until { try await channel.queueDeclare(highest, passive: true).messageCount == 1 }
        try await channel.queueDelete(highest)
        try await consumer.close()
        try await channel.queueDelete(queue)
        await connection.close()
    }

    @Test("Levels that somebody has deleted are declared again")
    func deleted() async throws {
        let (queue, connection) = (LiveBroker.queueName(), try await LiveBroker.connect())
        let channel = try await connection.openChannel()
        let consumer = try await consume([queue])
        func moved(_ number: Int) async throws -> Bool {
            let publish = AMQPPublish(routingKey: queue, mandatory: true, message: message(number))
            #expect(try await channel.publish([publish]) == [.confirmed])
            let taken = try await take(1, from: consumer)
            let isMoved = try await postpone(taken, to: Date().addingTimeInterval(5.5), at: consumer) == [true]
            if !isMoved { try await consumer.settle([Settlement(taken[0].receipt, .acknowledge)]) }
            return isMoved
        }
        let isMoved = try await moved(1)
        try #require(isMoved)
        let back = try await take(1, from: consumer)
        try await consumer.settle([Settlement(back[0].receipt, .acknowledge)])
        try await channel.queueDelete(DelayLevels.name(2))
        let isMovedAgain = try await moved(2)
        try #require(isMovedAgain)
        let again = try await take(1, from: consumer)
        try await consumer.settle([Settlement(again[0].receipt, .acknowledge)])
        try await consumer.close()
        try await channel.queueDelete(queue)
        await connection.close()
    }

    @Test("Without the right to make the levels nothing is moved, and one warning says so")
    func refused() async throws {
        let server = try await LiveBroker.shared.server()
        let user = "user-" + UUID().uuidString
        try await server.rabbitmqctl("add_user", user, user)
        try await server.rabbitmqctl("set_permissions", user, "^test-", ".*", ".*")
        let (queue, connection) = (LiveBroker.queueName(), try await LiveBroker.connect())
        let channel = try await connection.openChannel()
        let log = WarningLog()
        let consumer = try await consume([queue], user: user, logger: log.logger)
        for number in 1...2 {
            var message = message(number)
            message.properties.userID = nil
            let publish = AMQPPublish(routingKey: queue, mandatory: true, message: message)
            #expect(try await channel.publish([publish]) == [.confirmed])
        }
        let taken = try await take(2, from: consumer)
        #expect(consumer.longestHold == .seconds(2))
        for _ in 1...3 {
            #expect(try await postpone(taken, to: .distantFuture, at: consumer) == [false, false])
            #expect(consumer.longestHold == nil)
        }
        #expect(log.warnings.filter { $0.contains("holds them itself") }.count == 1)
        #expect(taken.allSatisfy { consumer.isHeld($0.receipt) })
        try await consumer.close()
        #expect(try await channel.queueDelete(queue) == 2)
        await connection.close()
    }
}

/// A log that keeps warnings.
private final class WarningLog: Sendable {
    private let messages = NIOLockedValueBox<[String]>([])

    var warnings: [String] { messages.withLockedValue { $0 } }

    var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }

    private struct Handler: LogHandler {
        let log: WarningLog
        var logLevel = Logger.Level.warning
        var metadata = Logger.Metadata()

        init(log: WarningLog) { self.log = log }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { log.messages.withLockedValue { $0.append("\(event.message)") } }
    }
}
#endif
