#if AMQP
import CeleriacAMQP
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Logging
import NIOConcurrencyHelpers
import TestSupport
import Testing

@testable import CeleriacQueues

/// Queues that the broker refuses, or that it does not consume as others.
extension AMQPMessageConsumerTests {
    /// What the consumer says when it finds that the broker does not limit the whole channel.
    private static let limitsEach =
        "the broker limits no whole channel at these queues: the worker consumes each with a prefetch of its own"

    @Test("Consumes a quorum queue although the channel's limit was to be global, and calls that no lost connection")
    func quorumQueue() async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel()
        // Later releases take the limit for that of each consumer.
        let isRefused = await connection.server.versionNumbers.lexicographicallyPrecedes([4, 3])
        let first = LiveBroker.queueName()
        let log = LogRecorder()
        let consumer = try await consume(
            [first], arguments: ["x-queue-type": "quorum"], limitsChannel: true, logger: log.logger)
        try await publish("at the start", to: first, on: channel)
        let taken = try await consumer.next(atMost: 10)
        #expect(bodies(taken) == ["at the start"])
        let lines = log.lines(of: Self.limitsEach)
        #expect(lines.map(\.level) == (isRefused ? [.info] : []))
        #expect(lines.allSatisfy { $0.metadata["reason"]?.contains("does not support global qos") == true })
        #expect(log.lines(at: .warning).isEmpty && log.lines(at: .error).isEmpty)
        let wasLost = consumer.state.withLockedValue { $0.wasLost }
        #expect(!wasLost)
        try await consumer.settle(taken.map { Settlement($0.receipt, .acknowledge) })
        try await consumer.close()
        try await channel.queueDelete(first)
        await connection.close()
    }

    @Test("A queue that is refused when it is added costs nothing of what is claimed, and the error says why")
    func refusedQueues() async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel()
        let (own, unreadable, misled) = (LiveBroker.queueName(), LiveBroker.queueName(), LiveBroker.queueName())
        let (taken, missing) = (LiveBroker.queueName(), LiveBroker.queueName())
        for queue in [own, unreadable, misled] { try await channel.queueDeclare(queue, durable: true) }
        try await channel.queueDeclare(taken, durable: false, exclusive: true)
        let server = try await LiveBroker.shared.server()
        try await server.rabbitmqctl("add_user", own, "secret")
        try await server.rabbitmqctl(
            "set_permissions", own, "^$", "^amq.default$", "^(\(own)|\(misled)|\(taken)|\(missing))$")
        let log = LogRecorder()
        let consumer = try await consume(
            [own], consumerArguments: [misled: ["x-priority": "high"]], user: own, logger: log.logger)
        try await publish("held", to: own, on: channel)
        let held = try await consumer.next(atMost: 1)
        let refusals: [(String, UInt16, String)] = [
            (unreadable, 403, "ACCESS_REFUSED"), (missing, 403, "ACCESS_REFUSED"), (taken, 405, "RESOURCE_LOCKED"),
            (misled, 406, "x-priority"),
        ]
        for (queue, code, reason) in refusals {
            let error = await #expect(throws: CeleriacError.self) { try await consumer.addQueue(TaskQueue(queue)) }
            let cause = error?.cause as? AMQPError
            #expect(error?.code == .configuration && error?.message.contains(queue) == true)
            #expect(cause?.replyCode == code && cause?.replyText?.contains(reason) == true, "\(reason)")
        }
        #expect(consumer.state.withLockedValue { $0.served } == [own])
        async let next = consumer.next(atMost: 1)
        try await publish("more", to: own, on: channel)
        let more = try await next
        #expect(bodies(held + more) == ["held", "more"])
        #expect((held + more).allSatisfy { consumer.isHeld($0.receipt) && !$0.redelivered })
        #expect(log.lines(at: .warning).isEmpty && log.lines(at: .error).isEmpty)
        try await consumer.settle((held + more).map { Settlement($0.receipt, .acknowledge) })
        try await consumer.close()
        for queue in [own, unreadable, misled] { #expect(try await channel.queueDelete(queue) == 0) }
        try await server.rabbitmqctl("delete_user", own)
        await connection.close()
    }

    @Test("The question whether a queue can be consumed takes no message from it")
    func probed() async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel()
        for arguments in [[:], ["x-queue-type": "quorum"]] as [WireObject] {
            let queue = LiveBroker.queueName()
            try await channel.queueDeclare(queue, durable: true, arguments: arguments)
            try await publish("first", to: queue, on: channel)
            _ = try await connection.probeConsumption(of: queue, arguments: ["x-priority": 5])
            let first = try #require(try await channel.get(queue: queue, noAck: true))
            #expect(!first.redelivered && (first.message.headers["x-delivery-count"]?.intValue ?? 0) == 0)
            try await channel.queueDelete(queue)
        }
        let error = await #expect(throws: AMQPError.self) {
            _ = try await connection.probeConsumption(of: LiveBroker.queueName(), arguments: [:])
        }
        #expect(error?.replyCode == 404)
        await connection.close()
    }

    @Test("A quorum queue that is added has each consumer limited, and what is claimed stays claimed")
    func addedQuorumQueue() async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel()
        // Only these releases limit whole channels.
        let isLimited = await connection.server.versionNumbers.lexicographicallyPrecedes([4])
        let (classic, quorum) = (LiveBroker.queueName(), LiveBroker.queueName())
        try await channel.queueDeclare(classic, durable: true)
        try await channel.queueDeclare(quorum, durable: true, arguments: ["x-queue-type": "quorum"])
        let log = LogRecorder()
        let consumer = try await consume([classic], prefetch: 2, limitsChannel: isLimited, logger: log.logger)
        for text in ["one", "two"] { try await publish(text, to: classic, on: channel) }
        var held: [Delivery] = []
        while held.count < 2 { held += try await consumer.next(atMost: 2) }
        try await consumer.addQueue(TaskQueue(quorum))
        try await publish("three", to: quorum, on: channel)
        // The channel's limit has been reached: it must hold no more.
        let added = try await consumer.next(atMost: 1)
        #expect(bodies(held + added) == ["one", "two", "three"])
        #expect((held + added).allSatisfy { consumer.isHeld($0.receipt) && !$0.redelivered })
        try await consumer.settle((held + added).map { Settlement($0.receipt, .acknowledge) })
        try await publish("four", to: classic, on: channel)
        let last = try await consumer.next(atMost: 1)
        #expect(bodies(last) == ["four"])
        try await consumer.settle(last.map { Settlement($0.receipt, .acknowledge) })
        #expect(log.count(Self.limitsEach) == (isLimited ? 1 : 0))
        #expect(log.lines(at: .warning).isEmpty && log.lines(at: .error).isEmpty)
        try await consumer.close()
        for queue in [classic, quorum] { #expect(try await channel.queueDelete(queue) == 0) }
        await connection.close()
    }
}
#endif
