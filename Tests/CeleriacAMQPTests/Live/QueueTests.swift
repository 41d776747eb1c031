#if AMQP

import CeleriacTestKit
import CeleriacWire
import Testing

@testable import CeleriacAMQP

extension Live {
    @Suite(.timeLimit(.minutes(5)))
    struct QueueTests {
        @Test("A broker identifies itself")
        func serverInfo() async throws {
            let connection = try await LiveBroker.connect { $0.connectionName = "tests" }
            let server = await connection.server
            #expect(server.product == "RabbitMQ")
            #expect(server.versionNumbers.count >= 2)
            let listed = try await LiveBroker.shared.server().rabbitmqctl("list_connections", "client_properties")
            #expect(listed.contains("tests"))
            await connection.close()
            #expect(await connection.isOpen == false)
            await connection.close()
        }

        @Test("A queue can be declared, bound, filled, read, purged, unbound and deleted")
        func topology() async throws {
            let connection = try await LiveBroker.connect()
            let channel = try await connection.openChannel()
            let name = LiveBroker.queueName()
            try await channel.exchangeDeclare(name + ".topic", type: "topic", durable: false, autoDelete: true)
            try await channel.exchangeDeclare(name + ".direct", durable: false, autoDelete: true)
            try await channel.exchangeBind(destination: name + ".topic", source: name + ".direct", routingKey: "a.b")
            let declared = try await channel.queueDeclare(
                name, autoDelete: true,
                arguments: ["x-expires": .int(86_400_000), "x-max-priority": .int(9)])
            #expect(declared == AMQPQueue(name: name, messageCount: 0, consumerCount: 0))
            try await channel.queueBind(name, exchange: name + ".topic", routingKey: "a.#")

            let message = WireMessage(
                headers: ["task": .string("t"), "eta": .null, "timelimit": .array([.null, .int(3)])],
                properties: MessageProperties(contentType: "application/json", priority: 3), body: Array("[]".utf8))
            let outcomes = try await channel.publish([
                AMQPPublish(exchange: name + ".direct", routingKey: "a.b", mandatory: true, message: message),
                AMQPPublish(exchange: name + ".topic", routingKey: "b", message: message),
            ])
            #expect(outcomes == [.confirmed, .confirmed])
            #expect(try await channel.queueDeclare(name, passive: true).messageCount == 1)

            let delivery = try #require(try await channel.get(queue: name))
            #expect(delivery.message == message)
            #expect(delivery.exchange == name + ".direct")
            #expect(delivery.routingKey == "a.b")
            #expect(delivery.deliveryTag == 1)
            #expect(delivery.redelivered == false)
            #expect(delivery.defect == nil)
            channel.nack([delivery.deliveryTag], requeue: true)
            let again = try #require(try await channel.get(queue: name, noAck: true))
            #expect(again.redelivered)
            #expect(try await channel.get(queue: name) == nil)

            _ = try await channel.publish([AMQPPublish(routingKey: name, message: message)])
            #expect(try await channel.queuePurge(name) == 1)
            _ = try await channel.publish([AMQPPublish(routingKey: name, message: message)])
            try await channel.queueUnbind(name, exchange: name + ".topic", routingKey: "a.#")
            try await channel.exchangeUnbind(destination: name + ".topic", source: name + ".direct", routingKey: "a.b")
            #expect(try await channel.queueDelete(name) == 1)
            #expect(try await channel.queueDelete(name) == 0)
            try await channel.exchangeDelete(name + ".direct")
            try await channel.exchangeDelete(name + ".topic")
            await connection.close()
        }

        @Test("The broker names an unnamed queue")
        func serverNamed() async throws {
            let connection = try await LiveBroker.connect()
            let channel = try await connection.openChannel()
            let queue = try await channel.queueDeclare(exclusive: true)
            #expect(queue.name.hasPrefix("amq.gen-"))
            await connection.close()
        }

        @Test("A channel error is typed, and the connection and its other channels stay open")
        func channelErrors() async throws {
            let connection = try await LiveBroker.connect()
            let other = try await connection.openChannel()
            let name = LiveBroker.queueName()
            try await other.queueDeclare(name)

            let missing = try await connection.openChannel()
            let closures = Inbox<AMQPError>()
            missing.onClose { closures.put($0) }
            let consumer = ConsumerInbox()
            try await missing.consume(queue: name) { consumer.put(events: $0) }
            let pipelined = Task { try await missing.queueDeclare(name + "-missing", passive: true) }
            let notFound = await #expect(throws: AMQPError.self) {
                _ = try await missing.queueDeclare(name + "-missing-too", passive: true)
            }
            let alsoNotFound = await #expect(throws: AMQPError.self) { _ = try await pipelined.value }
            for error in [notFound, alsoNotFound, await closures.next()] {
                #expect(error?.code == .channelClosedByServer)
                #expect(error?.replyCode == 404)
                #expect(error?.replyText?.hasPrefix("NOT_FOUND - no queue '\(name)-missing") == true)
                #expect(error?.method == "queue.declare")
            }
            guard case .closed(let told)? = await consumer.next() else {
                Issue.record("the consumer received no event")
                return
            }
            #expect(told.replyCode == 404)
            #expect(missing.isOpen == false)
            #expect(missing.closure?.replyCode == 404)
            let late = await #expect(throws: AMQPError.self) { try await missing.qos(prefetchCount: 1) }
            #expect(late?.replyCode == 404)
            #expect(late?.nothingSent == true)

            let mismatched = try await connection.openChannel()
            let precondition = await #expect(throws: AMQPError.self) {
                _ = try await mismatched.queueDeclare(name, durable: false)
            }
            #expect(precondition?.code == .channelClosedByServer)
            #expect(precondition?.replyCode == 406)
            #expect(precondition?.replyText?.hasPrefix("PRECONDITION_FAILED") == true)

            #expect(try await other.publish([AMQPPublish(routingKey: name, message: WireMessage())]) == [.confirmed])
            try await other.queueDelete(name)
            await connection.close()
        }

        @Test("Channel numbers are reused, and running out of them is a typed error")
        func channelNumbers() async throws {
            let connection = try await LiveBroker.connect { $0.channelMax = 3 }
            let channels = [
                try await connection.openChannel(), try await connection.openChannel(),
                try await connection.openChannel(confirms: false),
            ]
            #expect(channels.map(\.number) == [1, 2, 3])
            let error = await #expect(throws: AMQPError.self) { _ = try await connection.openChannel() }
            #expect(error?.code == .channelLimit)
            await channels[1].close()
            await channels[1].close()
            #expect(channels[1].closure?.code == .channelClosed)
            let next = try await connection.openChannel()
            #expect(next.number == 2)
            #expect(try await next.queueDeclare(exclusive: true).messageCount == 0)
            await connection.close()
            #expect(next.closure?.code == .connectionClosed)
        }
    }
}

#endif
