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

/// Queues in which messages wait although nothing arrives.
extension AMQPMessageConsumerTests {
    @Test("A consumer that the broker has forgotten begins anew, and keeps what it holds", arguments: [false, true])
    func forgotten(_ isHolding: Bool) async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel()
        let queue = LiveBroker.queueName()
        let log = LogRecorder()
        let consumer = try await consume([queue], logger: log.logger)
        consumer.state.withLockedValue {
            $0.watchdog = Watchdog(interval: .milliseconds(50), patience: .milliseconds(150))
        }
        var held: [Delivery] = []
        if isHolding {
            try await publish("held", to: queue, on: channel)
            held = try await consumer.next(atMost: 10)
        }
        try await consumer.checkHealth()
        for tag in consumer.state.withLockedValue({ $0.activeTags.keys }) {
            try await consumer.channel?.cancel(consumerTag: tag)
        }
        try await publish("waiting", to: queue, on: channel)
        let taken = try await consumer.next(atMost: 10)
        #expect(bodies(taken) == ["waiting"] && taken.map(\.redelivered) == [false])
        #expect(held.allSatisfy { consumer.isHeld($0.receipt) })
        #expect(log.count("messages wait, but none arrives: the worker consumes again") == (isHolding ? 1 : 0))
        #expect(log.count("messages wait, but none arrives: the worker connects again") == (isHolding ? 0 : 1))
        try await consumer.settle((held + taken).map { Settlement($0.receipt, .acknowledge) })
        try await consumer.close()
        #expect(try await channel.queueDelete(queue) == 0)
        await connection.close()
    }

    @Test(
        "A worker that stands by at a queue with a single active consumer raises no alarm, whatever its settings say",
        arguments: [[:], ["x-queue-type": "quorum"], ["x-max-priority": 5, "x-expires": 3_600_000]] as [WireObject])
    func standingBy(_ arguments: WireObject) async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel()
        let queue = LiveBroker.queueName()
        var declared = arguments
        declared["x-single-active-consumer"] = true
        try await channel.queueDeclare(queue, arguments: declared)
        let active = try await consume([queue], prefetch: 1)
        for body in ["first", "second"] { try await publish(body, to: queue, on: channel) }
        let held = try await active.next(atMost: 1)
        let log = LogRecorder()
        let standby = try await consume([queue], logger: log.logger)
        standby.state.withLockedValue {
            $0.watchdog = Watchdog(interval: .milliseconds(50), patience: .milliseconds(150))
        }
        async let next = standby.next(atMost: 10)
        let news = "a queue has a single active consumer: this worker stands by until the broker chooses it"
        await until { log.count(news) > 0 }
        try await standby.checkHealth()
        // The broker chooses it when the other one ends.
        await active.stop()
        try await active.settle(held.map { Settlement($0.receipt, .acknowledge) })
        try await active.close()
        let taken = try await next
        #expect(bodies(held) == ["first"] && bodies(taken) == ["second"])
        #expect(log.count(news) == 1 && log.lines(at: .warning).isEmpty)
        try await standby.settle(taken.map { Settlement($0.receipt, .acknowledge) })
        try await standby.close()
        #expect(try await channel.queueDelete(queue) == 0)
        await connection.close()
    }

    @Test("A queue says whether it has a single active consumer, and one that is gone is not made")
    func singleActive() async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel()
        for (arguments, expected) in [
            ([:], false), (["x-single-active-consumer": false], false), (["x-single-active-consumer": true], true),
            (["x-queue-type": "quorum"], false),
            (["x-queue-type": "quorum", "x-single-active-consumer": true], true),
        ] as [(WireObject, Bool)] {
            let queue = LiveBroker.queueName()
            try await channel.queueDeclare(queue, arguments: arguments)
            for own in [[:], ["x-expires": 900_000]] as [WireObject] {
                let answer = await connection.hasSingleActiveConsumer(queue, arguments: own)
                #expect(answer == expected, "\(arguments), \(own)")
            }
            try await channel.queueDelete(queue)
            let gone = await connection.hasSingleActiveConsumer(queue, arguments: arguments)
            let exists = try await connection.hasQueue(queue)
            #expect(gone == nil && !exists)
        }
        await connection.close()
    }
}
#endif
