#if AMQP

import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Testing

@testable import CeleriacAMQP

extension Live {
    @Suite(.timeLimit(.minutes(5)))
    struct PublishFailuresTests {
        @Test("A missing queue is declared again; refused, unanswered and accepted messages are distinguished")
        func fates() async throws {
            let client = try await LiveBroker.client()
            let queue = LiveBroker.queueName()
            let message = WireMessage(body: [1])
            let publishes = [
                AMQPPublish(routingKey: queue, mandatory: true, message: message),
                AMQPPublish(exchange: "celeriac-no-such-exchange", routingKey: queue, message: message),
                AMQPPublish(routingKey: "celeriac-no-such-queue", mandatory: true, message: message),
            ]
            let asked = Shared([[Int]]())
            let failures = await client.publish(publishes) { indices, anew throws(AMQPError) in
                asked.change { $0.append(indices) }
                guard anew else { return }
                try await client.connection().withChannel { channel throws(AMQPError) in
                    _ = try await channel.queueDeclare(queue, durable: true)
                }
            }
            #expect(asked.value == [[0, 2], [1], [0, 2], [1]])
            #expect(failures.refused.mapValues(\.code) == [2: .returned])
            #expect(failures.unknown.mapValues(\.replyCode) == [1: 404])
            let error = #expect(throws: PartialPublishError.self) { try failures.check(of: 3, at: "test") }
            #expect(error?.refused.mapValues(\.code) == [2: .publishFailed])
            #expect(error?.unknown.mapValues(\.code) == [1: .publishFailed])
            let channel = try await client.connection().openChannel()
            #expect(try await channel.queueDeclare(queue, passive: true).messageCount == 1)
            try await channel.queueDelete(queue)
            await client.close()
        }

        @Test("A missing exchange is declared again, and what was sent to it is sent once more")
        func missingExchange() async throws {
            let client = try await LiveBroker.client()
            let name = LiveBroker.queueName()
            let publish = AMQPPublish(
                exchange: name, routingKey: name, mandatory: true, message: WireMessage(body: [1]))
            let failures = await client.publish([publish]) { _, anew throws(AMQPError) in
                guard anew else { return }
                try await client.connection().withChannel { channel throws(AMQPError) in
                    try await channel.exchangeDeclare(name, type: "topic", durable: false, autoDelete: true)
                    _ = try await channel.queueDeclare(name, durable: true)
                    try await channel.queueBind(name, exchange: name, routingKey: name)
                }
            }
            #expect(failures.refused.isEmpty && failures.unknown.isEmpty)
            let channel = try await client.connection().openChannel()
            #expect(try await channel.queueDeclare(name, passive: true).messageCount == 1)
            try await channel.queueDelete(name)
            await client.close()
        }

        @Test("If all messages fail alike, the error gives the reason")
        func sameFate() {
            var failures = AMQPPublishFailures()
            #expect(throws: Never.self) { try failures.check(of: 2, at: "test") }
            for index in 0..<2 {
                failures.add(AMQPError(.connectionLost, "gone"), at: index, isAnswer: false)
            }
            let error = #expect(throws: CeleriacError.self) { try failures.check(of: 2, at: "test") }
            #expect(error?.code == .unavailable)
            var cancelled = AMQPPublishFailures()
            cancelled.add(.cancelled, at: 0, isAnswer: false)
            let cut = #expect(throws: CeleriacError.self) { try cancelled.check(of: 1, at: "test") }
            #expect(cut?.code == .publishFailed && cut?.comesOfCancellation == true)
        }
    }
}

#endif
