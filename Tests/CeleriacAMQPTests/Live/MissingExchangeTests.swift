#if AMQP

import CeleriacAMQP
import CeleriacWire
import NIOPosix
import Testing

extension Live {
    @Suite(.timeLimit(.minutes(5)))
    struct MissingExchangeTests {
        @Test("A missing exchange fails only the publishes to it")
        func missingExchange() async throws {
            let client = AMQPClient(
                configurations: [try await LiveBroker.configuration()],
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: LiveBroker.logger)
            let queue = try await client.connection().openChannel().queueDeclare(exclusive: true).name
            let message = WireMessage(body: [1])
            async let wrong = client.publish([
                AMQPPublish(exchange: "celeriac-no-such-exchange", routingKey: queue, message: message)
            ])
            async let right = client.publish(
                Array(repeating: AMQPPublish(routingKey: queue, mandatory: true, message: message), count: 100))
            let confirmed = try await right
            #expect(confirmed == Array(repeating: .confirmed, count: 100))
            do {
                _ = try await wrong
                Issue.record("a missing exchange accepted a message")
            } catch {
                #expect((error as? AMQPError)?.replyCode == 404)
            }
            await client.close()
        }
    }
}

#endif
