#if AMQP

import CeleriacTestKit
import CeleriacWire
import Testing

@testable import CeleriacAMQP

extension Live {
    @Suite(.timeLimit(.minutes(5)))
    struct ConsumeTests {
        private func fill(_ channel: AMQPChannel, _ queue: String, _ count: Int) async throws {
            let outcomes = try await channel.publish(
                (0..<count).map { number in
                    AMQPPublish(
                        routingKey: queue, message: WireMessage(headers: ["n": .int(Int64(number))], body: [1, 2, 3]))
                })
            #expect(outcomes.allSatisfy { $0 == .confirmed })
        }

        @Test("Consuming and acknowledging delivers every message once, in order, and leaves none")
        func acknowledged() async throws {
            let connection = try await LiveBroker.connect()
            let channel = try await connection.openChannel()
            let queue = LiveBroker.queueName()
            try await channel.queueDeclare(queue)
            try await fill(channel, queue, 5000)
            let consuming = try await connection.openChannel(confirms: false)
            try await consuming.qos(prefetchCount: 500)
            let inbox = ConsumerInbox()
            let tag = try await consuming.consume(queue: queue, consumerTag: "mine") { inbox.put(events: $0) }
            #expect(tag == "mine")
            var tags: [UInt64] = []
            for number in 0..<5000 {
                let delivery = try #require(await inbox.nextDelivery())
                #expect(delivery.message.headers["n"] == .int(Int64(number)))
                #expect(delivery.consumerTag == "mine")
                tags.append(delivery.deliveryTag)
                // The groups have all sizes, and some of them are out of order.
                if tags.count > number % 97 {
                    consuming.ack(number % 2 == 0 ? tags : tags.reversed())
                    tags = []
                }
            }
            consuming.ack(tags)
            await consuming.close()
            // When closed, the channel has given back everything it held.
            #expect(try await channel.queueDeclare(queue, passive: true).messageCount == 0)
            try await channel.queueDelete(queue)
            await connection.close()
        }

        @Test("Messages can be nacked, rejected, requeued and dead-lettered; settling a tag twice closes nothing")
        func refused() async throws {
            let connection = try await LiveBroker.connect()
            let channel = try await connection.openChannel()
            let dead = try await channel.queueDeclare(exclusive: true).name
            let queue = try await channel.queueDeclare(
                exclusive: true,
                arguments: ["x-dead-letter-exchange": .string(""), "x-dead-letter-routing-key": .string(dead)]
            ).name
            try await fill(channel, queue, 4)
            let inbox = ConsumerInbox()
            try await channel.consume(queue: queue) { inbox.put(events: $0) }
            for _ in 0..<4 { _ = await inbox.nextDelivery() }
            channel.reject(1, requeue: false)
            channel.nack([2, 2], requeue: false)
            channel.nack([3], requeue: true)
            channel.reject(4, requeue: true)
            channel.ack([1, 2, 3, 4, 77])
            var again: [AMQPDelivery] = []
            for _ in 0..<2 { again.append(try #require(await inbox.nextDelivery())) }
            #expect(again.map(\.redelivered) == [true, true])
            #expect(Set(again.map { $0.message.headers["n"] }) == [.int(2), .int(3)])
            channel.ack(again.map(\.deliveryTag))
            channel.ack(again.map(\.deliveryTag))
            // The broker dead-letters asynchronously.
            while try await channel.queueDeclare(dead, passive: true).messageCount < 2 { await Task.yield() }
            let letter = try #require(try await channel.get(queue: dead, noAck: true))
            #expect(letter.message.headers["n"] == .int(0))
            guard case .array(let deaths)? = letter.message.headers["x-death"], case .object(let death)? = deaths.first
            else {
                Issue.record("no x-death header")
                return
            }
            #expect(death["reason"] == .string("rejected"))
            #expect(death["count"] == .int(1))
            guard case .int? = death["time"] else {
                Issue.record("the time is not an integer")
                return
            }
            #expect(channel.isOpen)
            await connection.close()
        }

        @Test("Prefetch limits unsettled deliveries; a global limit can be raised while consuming")
        func prefetch() async throws {
            let connection = try await LiveBroker.connect()
            let channel = try await connection.openChannel()
            let queue = try await channel.queueDeclare(exclusive: true).name
            try await fill(channel, queue, 10)
            try await channel.qos(prefetchCount: 3, global: true)
            let inbox = ConsumerInbox()
            try await channel.consume(queue: queue) { inbox.put(events: $0) }
            for _ in 0..<3 { _ = await inbox.nextDelivery() }
            #expect(try await channel.queueDeclare(queue, passive: true).messageCount == 7)
            try await channel.qos(prefetchCount: 5, global: true)
            for _ in 0..<2 { _ = await inbox.nextDelivery() }
            #expect(try await channel.queueDeclare(queue, passive: true).messageCount == 5)
            channel.ack([1, 2, 3, 4, 5])
            for tag in 6...10 { #expect(await inbox.nextDelivery()?.deliveryTag == UInt64(tag)) }
            await connection.close()
        }

        @Test("A cancelled consumer receives nothing more and can still settle what it holds")
        func cancelled() async throws {
            let connection = try await LiveBroker.connect()
            let channel = try await connection.openChannel()
            let queue = try await channel.queueDeclare(exclusive: true).name
            try await fill(channel, queue, 5)
            try await channel.qos(prefetchCount: 2)
            let inbox = ConsumerInbox()
            let tag = try await channel.consume(queue: queue) { inbox.put(events: $0) }
            for _ in 0..<2 { _ = await inbox.nextDelivery() }
            try await channel.cancel(consumerTag: tag)
            channel.ack([1])
            channel.nack([2], requeue: true)
            await channel.close()
            // When closed, the channel has given back everything it held; acknowledged messages are gone.
            let left = try await connection.openChannel().queueDeclare(queue, passive: true)
            #expect(left == AMQPQueue(name: queue, messageCount: 4, consumerCount: 0))
            await connection.close()
        }

        @Test("One channel carries deliveries with and without acknowledgement")
        func noAck() async throws {
            let connection = try await LiveBroker.connect()
            let channel = try await connection.openChannel()
            let free = try await channel.queueDeclare(exclusive: true).name
            let held = try await channel.queueDeclare(exclusive: true).name
            let inbox = ConsumerInbox()
            try await channel.consume(queue: free, consumerTag: "free", noAck: true) { inbox.put(events: $0) }
            try await channel.consume(queue: held, consumerTag: "held") { inbox.put(events: $0) }
            for _ in 0..<20 {
                try await fill(channel, free, 1)
                try await fill(channel, held, 1)
            }
            var tags: [UInt64] = []
            for _ in 0..<40 {
                let delivery = try #require(await inbox.nextDelivery())
                if delivery.consumerTag == "held" { tags.append(delivery.deliveryTag) }
            }
            #expect(tags.count == 20)
            channel.ack(tags.dropLast())
            #expect(try await channel.queueDeclare(free, passive: true).messageCount == 0)
            await channel.close()
            #expect(try await connection.openChannel().queueDeclare(held, passive: true).messageCount == 1)
            await connection.close()
        }

        @Test("A consumer learns that its queue was deleted, and the channel stays open")
        func queueDeleted() async throws {
            let connection = try await LiveBroker.connect()
            let channel = try await connection.openChannel()
            let name = LiveBroker.queueName()
            try await channel.queueDeclare(name)
            let inbox = ConsumerInbox()
            try await channel.consume(queue: name) { inbox.put(events: $0) }
            try await LiveBroker.shared.server().rabbitmqctl("delete_queue", name)
            guard case .cancelled? = await inbox.next() else {
                Issue.record("not cancelled")
                return
            }
            #expect(channel.isOpen)
            #expect(try await channel.queueDeclare(exclusive: true).consumerCount == 0)
            await connection.close()
        }

        @Test("An exclusive consumer excludes others with 403")
        func exclusive() async throws {
            let connection = try await LiveBroker.connect()
            let first = try await connection.openChannel()
            let name = LiveBroker.queueName()
            try await first.queueDeclare(name, autoDelete: true)
            try await first.consume(queue: name, exclusive: true) { _ in }
            let second = try await connection.openChannel()
            let error = await #expect(throws: AMQPError.self) { try await second.consume(queue: name) { _ in } }
            #expect(error?.code == .channelClosedByServer)
            #expect(error?.replyCode == 403)
            await connection.close()
        }

        /// RabbitMQ relays what it can parse. 5,000 nested tables would overflow the stack of librabbitmq's decoder.
        @Test("A message with 5,000 nested tables does no harm and can be settled, and the next one is read")
        func nestedTables() async throws {
            let connection = try await LiveBroker.connect()
            let channel = try await connection.openChannel()
            let queue = try await channel.queueDeclare(exclusive: true).name
            let inbox = ConsumerInbox()
            try await channel.consume(queue: queue) { inbox.put(events: $0) }
            let publisher = try await connection.openChannel(confirms: false)
            let number = Int(publisher.number)
            let properties = Bytes.u16(0x2000) + Bytes.nestedTables(5000)
            await connection.inject(
                Bytes.method(60, 40, channel: number, Bytes.u16(0) + Bytes.short("") + Bytes.short(queue) + [0])
                    + Bytes.header(channel: number, bodySize: 2, properties: properties)
                    + Bytes.body(channel: number, [7, 8]))
            let bad = try #require(await inbox.nextDelivery())
            #expect(bad.defect?.reason.contains("nested deeper than 32") == true)
            #expect(bad.defect?.propertyBytes == properties)
            #expect(bad.message.headers.isEmpty)
            #expect(bad.message.body == [7, 8])
            channel.reject(bad.deliveryTag, requeue: false)
            try await fill(channel, queue, 1)
            let good = try #require(await inbox.nextDelivery())
            #expect(good.defect == nil)
            #expect(good.message.headers["n"] == .int(0))
            channel.ack([good.deliveryTag])
            #expect(channel.isOpen)
            await connection.close()
        }

        @Test("A body over the limit is dropped, and its delivery can be settled")
        func oversized() async throws {
            let connection = try await LiveBroker.connect { $0.maximumBodySize = 100_000 }
            let channel = try await connection.openChannel()
            let queue = try await channel.queueDeclare(exclusive: true).name
            let bodies = [100_001, 100_000].map { [UInt8](repeating: 1, count: $0) }
            _ = try await channel.publish(bodies.map { AMQPPublish(routingKey: queue, message: WireMessage(body: $0)) })
            let large = try #require(try await channel.get(queue: queue))
            #expect(large.defect?.reason.contains("100001") == true)
            #expect(large.message.body.isEmpty)
            channel.reject(large.deliveryTag, requeue: false)
            let next = try #require(try await channel.get(queue: queue))
            #expect(next.defect == nil)
            #expect(next.message.body == bodies[1])
            await connection.close()
        }
    }
}

#endif
