#if AMQP

import CeleriacTestKit
import CeleriacWire
import Logging
import NIOPosix
import Testing

@testable import CeleriacAMQP

extension Live {
    @Suite(.timeLimit(.minutes(5)))
    struct InterruptionTests {
        @Test("An operator's close is a typed error for every waiting caller")
        func closedByOperator() async throws {
            let connection = try await LiveBroker.connect()
            let channel = try await connection.openChannel()
            let queue = try await channel.queueDeclare(exclusive: true).name
            let inbox = ConsumerInbox()
            try await channel.consume(queue: queue) { inbox.put(events: $0) }
            let closures = Inbox<AMQPError>()
            await connection.onClose { closures.put($0) }
            try await LiveBroker.shared.server().rabbitmqctl("close_all_connections", "maintenance")
            let error = await closures.next()
            #expect(error?.code == .connectionClosedByServer)
            #expect(error?.replyCode == 320)
            #expect(error?.replyText?.contains("CONNECTION_FORCED") == true)
            guard case .closed(let told)? = await inbox.next() else {
                Issue.record("the consumer received no event")
                return
            }
            #expect(told.replyCode == 320)
            let late = await #expect(throws: AMQPError.self) { _ = try await connection.openChannel() }
            #expect(late?.replyCode == 320)
            #expect(late?.nothingSent == true)
        }

        @Test(
            "100 publishes in flight when the broker stops, or dies: each gets an answer or a typed error",
            arguments: [true, false])
        func stopped(inOrder: Bool) async throws {
            let server = try await LiveBroker.shared.server()
            let client = try await LiveBroker.client()
            let name = LiveBroker.queueName()
            try await client.connection().openChannel().queueDeclare(name)
            // A broker that is killed forgets a queue whose declaration it has not yet written to disk.
            try await server.rabbitmqctl("eval", "mnesia:sync_log().")
            let message = WireMessage(properties: MessageProperties(deliveryMode: 2), body: [1])
            let isStopping = Shared(false)
            let confirmed = Shared(0)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        while true {
                            do throws(AMQPError) {
                                let outcomes = try await client.publish([
                                    AMQPPublish(routingKey: name, message: message)
                                ])
                                #expect(outcomes == [.confirmed])
                                confirmed.change { $0 += 1 }
                                if isStopping.value { continue }
                            } catch {
                                #expect(
                                    [.connectionLost, .connectionClosedByServer, .connectFailed, .timeout]
                                        .contains(error.code))
                                return
                            }
                        }
                    }
                }
                while confirmed.value < 300 { await Task.yield() }
                isStopping.value = true
                if inOrder { await server.stop(keepData: true) } else { await server.kill() }
                await group.waitForAll()
            }
            try await server.restart()
            // Every confirmed message is there, as the broker promised.
            let queue = try await client.connection().openChannel().queueDeclare(name, passive: true)
            #expect(queue.messageCount >= confirmed.value)
            try await client.connection().openChannel().queueDelete(name)
            await client.close()
        }

        /// The events of a session's owner, in order.
        private enum Heard: Sendable {
            case up(Int, AMQPChannel)
            case delivery(AMQPDelivery, AMQPChannel)
            case down(AMQPError)
        }

        private func session(
            _ client: AMQPClient, _ inbox: Inbox<Heard>,
            setup: @escaping @Sendable (AMQPChannel) async throws(AMQPError) -> [AMQPConsumption]
        ) -> AMQPConsumerSession {
            AMQPConsumerSession(client: client, setup: setup) { event in
                switch event {
                case .up(let generation, let channel): inbox.put(.up(generation, channel))
                case .deliveries(let deliveries, let channel):
                    for delivery in deliveries { inbox.put(.delivery(delivery, channel)) }
                case .down(let error): inbox.put(.down(error))
                }
            }
        }

        @Test(
            "A session declares again and resumes: after a restart, a broken socket, a deleted queue, a channel error")
        func resumed() async throws {
            let server = try await LiveBroker.shared.server()
            let client = try await LiveBroker.client()
            let publisher = try await LiveBroker.client()
            let name = LiveBroker.queueName()
            let inbox = Inbox<Heard>()
            let session = session(client, inbox) { (channel) throws(AMQPError) in
                // The queue is not durable, so it is gone after a restart unless it is declared again.
                try await channel.queueDeclare(name, durable: false)
                try await channel.qos(prefetchCount: 10)
                return [AMQPConsumption(queue: name)]
            }
            let running = Task { await session.run() }
            func up() async throws -> (Int, AMQPChannel) {
                try #require(
                    await inbox.next { if case .up(let number, let channel) = $0 { (number, channel) } else { nil } })
            }
            func delivery() async throws -> (AMQPDelivery, AMQPChannel) {
                try #require(
                    await inbox.next {
                        if case .delivery(let delivery, let channel) = $0 { (delivery, channel) } else { nil }
                    })
            }
            func down() async throws -> AMQPError {
                try #require(await inbox.next { if case .down(let error) = $0 { error } else { nil } })
            }
            func publish(_ body: String) async throws {
                let message = AMQPPublish(
                    routingKey: name, mandatory: true, message: WireMessage(body: Array(body.utf8)))
                #expect(try await publisher.publish([message]) == [.confirmed])
            }

            let (first, firstChannel) = try await up()
            #expect(first == 1)
            try await publish("held")
            let (held, heldOn) = try await delivery()
            #expect(heldOn === firstChannel)

            // The network breaks: the message is redelivered on a new channel, under the same tag.
            await firstChannel.connection.breakSocket()
            #expect(try await down().code == .connectionLost)
            let (second, secondChannel) = try await up()
            #expect(second == 2)
            let (again, againOn) = try await delivery()
            #expect(again.redelivered)
            #expect(again.deliveryTag == held.deliveryTag)
            #expect(againOn === secondChannel && secondChannel !== firstChannel)
            // Settling the delivery on the old channel does nothing: the queue keeps the message.
            firstChannel.ack([held.deliveryTag])
            await secondChannel.close()
            #expect(try await down().code == .channelClosed)
            _ = try await up()
            let (third, thirdOn) = try await delivery()
            #expect(third.message.body == Array("held".utf8))
            thirdOn.ack([third.deliveryTag])

            // Deleting the queue makes the broker cancel the consumer.
            try await server.rabbitmqctl("delete_queue", name)
            #expect(try await down().code == .consumerCancelled)
            let (_, fourthChannel) = try await up()
            try await publish("after deletion")
            let (fourth, fourthOn) = try await delivery()
            #expect(fourth.message.body == Array("after deletion".utf8))
            fourthOn.ack([fourth.deliveryTag])

            // The owner causes a channel error.
            await #expect(throws: AMQPError.self) {
                _ = try await fourthChannel.queueDeclare(name + "-no", passive: true)
            }
            #expect(try await down().replyCode == 404)
            _ = try await up()

            // The broker restarts.
            try await server.restart()
            let lost = try await down()
            #expect([.connectionClosedByServer, .connectionLost].contains(lost.code))
            _ = try await up()
            try await publish("after restart")
            let (last, lastOn) = try await delivery()
            #expect(last.message.body == Array("after restart".utf8))
            lastOn.ack([last.deliveryTag])

            running.cancel()
            await running.value
            #expect(try await down().code == .cancelled)
            let channel = try await publisher.connection().openChannel()
            #expect(
                try await channel.queueDeclare(name, passive: true)
                    == AMQPQueue(name: name, messageCount: 0, consumerCount: 0))
            try await channel.queueDelete(name)
            await client.close()
            await publisher.close()
        }

        @Test("A session that stops consuming can still settle its deliveries")
        func stopConsuming() async throws {
            let client = try await LiveBroker.client()
            let channel = try await client.connection().openChannel()
            let name = try await channel.queueDeclare(LiveBroker.queueName()).name
            let messages = (0..<5).map { AMQPPublish(routingKey: name, message: WireMessage(body: [$0])) }
            _ = try await channel.publish(messages)
            let inbox = Inbox<Heard>()
            let session = session(client, inbox) { (channel) throws(AMQPError) in
                try await channel.qos(prefetchCount: 2)
                return [AMQPConsumption(queue: name, consumerTag: "c")]
            }
            let running = Task { await session.run() }
            var held: [AMQPDelivery] = []
            var on: AMQPChannel?
            for _ in 0..<2 {
                let (delivery, channel) = try #require(
                    await inbox.next {
                        if case .delivery(let delivery, let channel) = $0 { (delivery, channel) } else { nil }
                    })
                held.append(delivery)
                on = channel
            }
            await session.stopConsuming()
            on?.ack(held.map(\.deliveryTag))
            running.cancel()
            await running.value
            #expect(
                try await channel.queueDeclare(name, passive: true)
                    == AMQPQueue(name: name, messageCount: 3, consumerCount: 0))
            try await channel.queueDelete(name)
            await client.close()
        }

        @Test("A session whose setup fails reports why and tries again")
        func failingSetup() async throws {
            let client = try await LiveBroker.client()
            let name = LiveBroker.queueName()
            let inbox = Inbox<Heard>()
            let session = session(client, inbox) { (channel) throws(AMQPError) in
                try await channel.queueDeclare(name, passive: true)
                return [AMQPConsumption(queue: name)]
            }
            let running = Task { await session.run() }
            for _ in 0..<2 {
                guard case .down(let error)? = await inbox.next() else {
                    Issue.record("not down")
                    return
                }
                #expect(error.replyCode == 404)
            }
            try await client.connection().openChannel().queueDeclare(name, autoDelete: true)
            #expect(await inbox.next { if case .up(let generation, _) = $0 { generation } else { nil } } == 1)
            running.cancel()
            await running.value
            await client.close()
        }
    }
}

#endif
