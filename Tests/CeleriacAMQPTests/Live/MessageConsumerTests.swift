#if AMQP

import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import NIOPosix
import Testing

import struct FoundationEssentials.Date

@testable import CeleriacAMQP

extension Live {
    @Suite(.timeLimit(.minutes(2)))
    struct MessageConsumerTests {
        private struct Topology: AMQPConsumerTopology {
            func declare(_ queues: [String], on connection: AMQPConnection) async throws(AMQPError) {
                let channel = try await connection.openChannel(confirms: false)
                for queue in queues { try await channel.queueDeclare(queue, durable: true) }
                await channel.close()
            }
            func limit(
                queues: [String], prefetch: Int, holding: Int, server: AMQPServerInfo
            ) -> (count: Int, isGlobal: Bool) { (prefetch, false) }
            func consumerTag(_ number: Int, nodeName: String) -> String { "consumer\(number)" }
            func attempts(of delivery: AMQPDelivery) -> Int { 0 }
            func willSettle(_ delivery: AMQPDelivery, as disposition: CeleriacCore.Settlement.Disposition) {}
            func text(of time: Date) -> String { "now" }
        }

        private func consume(_ queues: [String]) async throws -> AMQPMessageConsumer {
            let client = AMQPClient(
                configurations: [try await LiveBroker.configuration()],
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: LiveBroker.logger)
            return try await AMQPMessageConsumer.start(
                [try await LiveBroker.configuration()], parking: client, topology: Topology(),
                options: ConsumerOptions(queues: queues, prefetch: 10, nodeName: "test@here"), name: "test",
                on: MultiThreadedEventLoopGroup.singleton.next(), logger: LiveBroker.logger)
        }

        private func publish(_ text: String, to queue: String, on channel: AMQPChannel) async throws {
            let outcomes = try await channel.publish([
                AMQPPublish(routingKey: queue, mandatory: true, message: WireMessage(body: Array(text.utf8)))
            ])
            #expect(outcomes == [.confirmed])
        }

        private func bodies(_ deliveries: [Delivery]) -> [String] {
            deliveries.compactMap { try? String(decoding: $0.content.get().body, as: UTF8.self) }
        }

        @Test("A queue that is deleted is made and consumed again; what came from others stays claimed")
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
            // The queue is there again once it is consumed again.
            while true {
                let probe = try await connection.openChannel()
                if let queue = try? await probe.queueDeclare(deleted, passive: true), queue.consumerCount == 1 { break }
                await probe.close()
            }
            try await publish("again", to: deleted, on: channel)
            let second = try await next
            #expect(bodies(second) == ["again"])
            // The receipt from before the deletion still settles: nothing is delivered a second time.
            try await consumer.settle((first + second).map { Settlement($0.receipt, .acknowledge) })
            try await consumer.close()
            #expect(try await channel.queueDeclare(kept, passive: true).messageCount == 0)
            #expect(try await channel.queueDeclare(deleted, passive: true).messageCount == 0)
            for queue in [kept, deleted] { try await channel.queueDelete(queue) }
            await connection.close()
        }

        @Test("A channel that the broker closes is replaced, and what was held on it is delivered again")
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
            let second = try await consumer.next(atMost: 10)
            #expect(bodies(second) == ["one"])
            #expect(second.map(\.redelivered) == [true])
            try await consumer.settle((first + second).map { Settlement($0.receipt, .acknowledge) })
            try await consumer.close()
            #expect(try await channel.queueDeclare(queue, passive: true).messageCount == 0)
            try await channel.queueDelete(queue)
            await connection.close()
        }
    }
}

extension AMQPMessageConsumer {
    /// Asks for a queue that does not exist, on the channel of the consumers.
    fileprivate func provokeChannelError() async {
        _ = try? await channel?.queueDeclare("celeriac-no-such-queue", passive: true)
    }
}

#endif
