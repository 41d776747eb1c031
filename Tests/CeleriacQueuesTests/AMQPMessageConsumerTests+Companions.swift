#if AMQP
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import NIOConcurrencyHelpers
import NIOPosix
import Testing

@testable import CeleriacAMQP
@testable import CeleriacQueues

/// What else happens to the companions of queues.
extension AMQPMessageConsumerTests {
    /// Publishes a message to a companion as if a worker had moved it there.
    private func move(_ text: String, count: Int, to queue: String, on channel: AMQPChannel) async throws {
        let companion = RedeliveredMessage.companion(of: queue)
        try await channel.queueDeclare(
            companion, durable: true, arguments: RedeliveredMessage.arguments(of: queue, isQuorum: false))
        let message = WireMessage(body: Array(text.utf8)).moved(attempts: count, queue: queue)
        #expect(
            try await channel.publish([AMQPPublish(routingKey: companion, mandatory: true, message: message)])
                == [.confirmed])
    }

    private func expectEmpty(_ queues: [String], on channel: AMQPChannel) async throws {
        for queue in queues {
            for name in [queue, "\(queue).redelivered"] {
                #expect(try await channel.queueDeclare(name, passive: true).messageCount == 0, "\(name)")
                try await channel.queueDelete(name)
            }
        }
    }

    @Test("A companion that is deleted costs nothing of what it delivered, and is consumed again")
    func deletedCompanion() async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel()
        let queue = LiveBroker.queueName()
        try await channel.queueDeclare(queue, durable: true)
        try await move("one", count: 2, to: queue, on: channel)
        let consumer = try await consume([queue])
        let moved = try await consumer.next(atMost: 1)
        try await publish("two", to: queue, on: channel)
        let other = try await consumer.next(atMost: 1)
        #expect(bodies(moved + other) == ["one", "two"])
        // Both are the first delivery on their channels.
        try await channel.queueDelete("\(queue).redelivered")
        await until { consumer.state.withLockedValue { $0.redelivered.active.isEmpty } }
        #expect((moved + other).allSatisfy { consumer.isHeld($0.receipt) })
        // Somebody makes it again.
        try await move("three", count: 1, to: queue, on: channel)
        try await consumer.giveBack(moved.map(\.receipt))
        #expect(other.allSatisfy { consumer.isHeld($0.receipt) })
        var back: [Delivery] = []
        while back.count < 2 { back += try await consumer.next(atMost: 2) }
        #expect(Set(bodies(back)) == ["one", "three"] && Set(back.map(\.attempts)) == [0, 1])
        #expect(try await channel.queueDeclare(queue, passive: true).messageCount == 0)
        try await consumer.settle((other + back).map { Settlement($0.receipt, .acknowledge) })
        try await consumer.close()
        try await expectEmpty([queue], on: channel)
        await connection.close()
    }

    @Test("The companions of several queues are consumed although they are first needed at the same time")
    func companionsAtOnce() async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel()
        let queues = (0..<4).map { _ in LiveBroker.queueName() }
        for queue in queues {
            try await channel.queueDeclare(queue, durable: true)
            try await publish("in \(queue)", to: queue, on: channel)
        }
        let first = try await consume(queues)
        var taken: [Delivery] = []
        while taken.count < 4 { taken += try await first.next(atMost: 4) }
        try await first.close()
        let consumer = try await consume(queues)
        var back: [Delivery] = []
        while back.count < 4 { back += try await consumer.next(atMost: 4) }
        #expect(back.allSatisfy { $0.redelivered && $0.attempts == 0 })
        try await withThrowingTaskGroup(of: Void.self) { group in
            for delivery in back { group.addTask { try await consumer.markBegun([delivery.receipt]) } }
            try await group.waitForAll()
        }
        var moved: [Delivery] = []
        while moved.count < 4 { moved += try await consumer.next(atMost: 4) }
        #expect(Set(bodies(moved)) == Set(queues.map { "in \($0)" }))
        try await consumer.settle(moved.map { Settlement($0.receipt, .acknowledge) })
        try await consumer.close()
        try await expectEmpty(queues, on: channel)
        await connection.close()
    }

    @Test("The refusal of one companion costs others nothing")
    func refusedCompanion() async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel()
        let (allowed, refused) = (LiveBroker.queueName(), LiveBroker.queueName())
        for queue in [allowed, refused] {
            try await channel.queueDeclare(queue, durable: true)
            try await publish("in \(queue)", to: queue, on: channel)
        }
        let server = try await LiveBroker.shared.server()
        try await server.rabbitmqctl("add_user", allowed, "secret")
        try await server.rabbitmqctl(
            "set_permissions", allowed, "^$", "^amq.default$", "^(\(allowed)(.redelivered)?|\(refused))$")
        try await move("moved", count: 1, to: allowed, on: channel)
        let consumer = try await consume([allowed], user: allowed)
        var taken: [Delivery] = []
        while taken.count < 2 { taken += try await consumer.next(atMost: 2) }
        #expect(Set(bodies(taken)) == ["moved", "in \(allowed)"])
        // The worker may not read this one.
        try await move("unread", count: 1, to: refused, on: channel)
        try await consumer.addQueue(TaskQueue(refused))
        #expect(consumer.state.withLockedValue { $0.redelivered.refused } == [refused])
        taken += try await consumer.next(atMost: 1)
        #expect(bodies(taken).last == "in \(refused)")
        #expect(taken.allSatisfy { consumer.isHeld($0.receipt) })
        async let next = consumer.next(atMost: 1)
        try await publish("more", to: allowed, on: channel)
        taken += try await next
        try await consumer.settle(taken.map { Settlement($0.receipt, .acknowledge) })
        try await consumer.close()
        #expect(try await channel.queuePurge("\(refused).redelivered") == 1)
        try await expectEmpty([allowed, refused], on: channel)
        try await server.rabbitmqctl("delete_user", allowed)
        await connection.close()
    }

    @Test("A companion's channel that the broker closes takes only its own deliveries, which are known to be lost")
    func closedCompanionChannel() async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel()
        let queue = LiveBroker.queueName()
        try await channel.queueDeclare(queue, durable: true)
        try await move("moved", count: 2, to: queue, on: channel)
        let consumer = try await consume([queue])
        let moved = try await consumer.next(atMost: 1)
        try await publish("plain", to: queue, on: channel)
        let plain = try await consumer.next(atMost: 1)
        let companion = consumer.state.withLockedValue { $0.redelivered.active.first?.channel }
        _ = try? await companion?.queueDeclare("celeriac-no-such-queue", passive: true)
        let back = try await consumer.next(atMost: 1)
        #expect(bodies(back) == ["moved"] && back.map(\.attempts) == [2])
        #expect(back.map(\.receipt.generation) == moved.map(\.receipt.generation))
        for delivery in moved {
            #expect(!consumer.isHeld(delivery.receipt))
            #expect(await consumer.hasLost(delivery.receipt))
        }
        for delivery in plain + back {
            #expect(consumer.isHeld(delivery.receipt))
            #expect(await !consumer.hasLost(delivery.receipt))
        }
        try await consumer.settle((plain + back).map { Settlement($0.receipt, .acknowledge) })
        try await consumer.close()
        try await expectEmpty([queue], on: channel)
        await connection.close()
    }

    @Test("What a companion has delivered to a worker that stops has not begun")
    func untaken() async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel()
        let queue = LiveBroker.queueName()
        try await channel.queueDeclare(queue, durable: true)
        try await move("one", count: 3, to: queue, on: channel)
        for _ in 0..<3 {
            let consumer = try await consume([queue])
            await until { consumer.state.withLockedValue { $0.buffer.count == 1 } }
            try await consumer.close()
        }
        let consumer = try await consume([queue])
        let taken = try await consumer.next(atMost: 1)
        #expect(bodies(taken) == ["one"] && taken.map(\.attempts) == [2])
        try await consumer.settle(taken.map { Settlement($0.receipt, .acknowledge) })
        try await consumer.close()
        try await expectEmpty([queue], on: channel)
        await connection.close()
    }

    @Test("A message that a worker does not begin is found by others in its queue")
    func unknownTask() async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel()
        let queue = LiveBroker.queueName()
        try await channel.queueDeclare(queue, durable: true)
        try await move("one", count: 2, to: queue, on: channel)
        let consumer = try await consume([queue])
        for _ in 0..<3 {
            let taken = try await consumer.next(atMost: 1)
            #expect(bodies(taken) == ["one"] && taken.map(\.attempts) == [1])
            try await consumer.removeQueue(queue)
            try await consumer.giveBack(taken.map(\.receipt))
            // A worker that knows no companions gets it.
            let other = try #require(try await channel.get(queue: queue))
            #expect(other.message.body == Array("one".utf8) && !other.redelivered)
            #expect(try await channel.queueDeclare("\(queue).redelivered", passive: true).messageCount == 0)
            #expect(
                try await channel.publish([AMQPPublish(routingKey: queue, mandatory: true, message: other.message)])
                    == [.confirmed])
            channel.ack([other.deliveryTag])
            try await consumer.addQueue(TaskQueue(queue))
        }
        let taken = try await consumer.next(atMost: 1)
        try await consumer.settle(taken.map { Settlement($0.receipt, .acknowledge) })
        try await consumer.close()
        try await expectEmpty([queue], on: channel)
        await connection.close()
    }

    @Test("Where one message cannot be parked, the others are settled all the same")
    func unparkableBeside() async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel()
        let queue = LiveBroker.queueName()
        try await channel.queueDeclare(queue, durable: true)
        try await move("moved", count: 1, to: queue, on: channel)
        try await publish("bad", to: queue, on: channel)
        // Nothing can be published.
        var nowhere = try await LiveBroker.configuration()
        (nowhere.port, nowhere.connectTimeout) = (1, .milliseconds(200))
        let consumer = try await consume([queue], publisher: nowhere)
        var taken: [Delivery] = []
        while taken.count < 2 { taken += try await consumer.next(atMost: 2) }
        let fault = MessageFault(reason: "bad", detail: "it is bad")
        await #expect(throws: AMQPError.self) {
            try await consumer.settle(
                taken.map { Settlement($0.receipt, bodies([$0]) == ["bad"] ? .park(fault) : .requeue) })
        }
        // What cannot be parked stays with the worker, the other comes back.
        let bad = taken.filter { bodies([$0]) == ["bad"] }
        #expect(bad.count == 1 && bad.allSatisfy { consumer.isHeld($0.receipt) })
        var back: [Delivery] = []
        while back.isEmpty { back += try await consumer.next(atMost: 2) }
        #expect(bodies(back) == ["moved"])
        // The worker tries again to give back what cannot be published, and holds it meanwhile.
        let moved = back.filter { bodies([$0]) == ["moved"] }
        await #expect(throws: AMQPError.self) { try await consumer.giveBack(moved.map(\.receipt)) }
        #expect(moved.allSatisfy { consumer.isHeld($0.receipt) })
        try await consumer.settle((back + bad).map { Settlement($0.receipt, .acknowledge) })
        try await consumer.close()
        try await expectEmpty([queue], on: channel)
        await connection.close()
    }

    @Test("While the broker takes no messages they begin where they are, and a copy that comes late takes over")
    func alarm() async throws {
        let server = try await RabbitMQServer.start(.init())
        var configuration = try AMQPConfiguration(url: server.url)
        configuration.replyTimeout = .seconds(2)
        let connection = try await AMQPConnection.connect(
            configuration, on: MultiThreadedEventLoopGroup.singleton.next(), logger: LiveBroker.logger)
        let channel = try await connection.openChannel()
        let queue = LiveBroker.queueName()
        try await channel.queueDeclare(queue, durable: true)
        for text in ["one", "two"] { try await publish(text, to: queue, on: channel) }
        let first = try await consume([queue], at: configuration)
        var taken: [Delivery] = []
        while taken.count < 2 { taken += try await first.next(atMost: 2) }
        try await first.close()
        let consumer = try await consume([queue], at: configuration)
        var back: [Delivery] = []
        while back.count < 2 { back += try await consumer.next(atMost: 2) }
        #expect(bodies(back) == ["one", "two"] && back.allSatisfy(\.redelivered))
        // The companion exists, and the worker's other connection has published.
        try await channel.queueDeclare(
            "\(queue).redelivered", durable: true,
            arguments: RedeliveredMessage.arguments(of: queue, isQuorum: false))
        _ = try await consumer.parking.publish([AMQPPublish(routingKey: "nowhere", message: WireMessage(body: []))])
        try await server.rabbitmqctl("set_vm_memory_high_watermark", "0.000001")
        // The broker swallows the first message of each connection, and only then says that it is blocked.
        let probe = try await AMQPConnection.connect(
            configuration, on: MultiThreadedEventLoopGroup.singleton.next(), logger: LiveBroker.logger)
        let probes = try await probe.openChannel()
        await until {
            _ = try? await probes.publish([AMQPPublish(routingKey: "nowhere", message: WireMessage(body: []))])
            return await probe.blockedReason != nil
        }
        // The broker confirms nothing, so the worker cannot know what became of the copy.
        let error = await #expect(throws: AMQPError.self) { try await consumer.markBegun([back[0].receipt]) }
        #expect(error?.nothingSent == false)
        #expect(consumer.isHeld(back[0].receipt))
        // Now it knows that the broker is blocked.
        #expect(try await consumer.parking.connection().blockedReason != nil)
        try await consumer.markBegun([back[1].receipt])
        #expect(consumer.isHeld(back[1].receipt))
        #expect(await !consumer.hasLost(back[0].receipt))
        // What cannot be parked stays with the worker.
        let fault = MessageFault(reason: "bad", detail: "it is bad")
        #expect(await consumer.canPark([back[1].receipt]) == [false])
        await #expect(throws: AMQPError.self) { try await consumer.park(back[1].receipt, for: fault) }
        #expect(consumer.isHeld(back[1].receipt))
        try await server.rabbitmqctl("set_vm_memory_high_watermark", "0.4")
        let copy = try await consumer.next(atMost: 1)
        #expect(bodies(copy) == ["one"] && copy.map(\.redelivered) == [true])
        #expect(await !consumer.hasLost(back[1].receipt))
        #expect(await consumer.hasLost(back[0].receipt))
        #expect(!consumer.isHeld(back[0].receipt))
        try await consumer.settle(copy.map { Settlement($0.receipt, .acknowledge) })
        // The copy can come before the broker says that it takes messages again.
        await until { await consumer.canPark([back[1].receipt]) == [true] }
        #expect(try await consumer.park(back[1].receipt, for: fault))
        try await consumer.close()
        try await expectEmpty([queue], on: channel)
        await probe.close()
        await connection.close()
        await server.stop()
    }

    @Test("Suspects begin one at a time, whichever companion or queue they come from")
    func turns() async throws {
        let connection = try await LiveBroker.connect()
        let channel = try await connection.openChannel()
        let queues = (0..<2).map { _ in LiveBroker.queueName() }
        for queue in queues {
            try await channel.queueDeclare(queue, durable: true)
            try await move("in \(queue)", count: 1, to: queue, on: channel)
        }
        // A process ends that had begun both.
        let first = try await consume(queues)
        var taken: [Delivery] = []
        while taken.count < 2 { taken += try await first.next(atMost: 2) }
        try await first.close()
        let consumer = try await consume(queues)
        var back: [Delivery] = []
        while back.count < 2 { back += try await consumer.next(atMost: 2) }
        #expect(back.map(\.attempts) == [1, 1])
        try await consumer.markBegun([back[0].receipt])
        // It is moved, and comes to begin. Meanwhile the other waits where it is, uncounted.
        let (begins, other) = (back[0], back[1])
        async let marked: Void = consumer.markBegun([other.receipt])
        let moved = try await consumer.next(atMost: 1)
        #expect(moved.map(\.queue) == [begins.queue] && moved.map(\.attempts) == [1])
        try await consumer.markBegun(moved.map(\.receipt))
        #expect(consumer.isHeld(other.receipt))
        #expect(try await channel.queueDeclare("\(other.queue).redelivered", passive: true).messageCount == 0)
        try await consumer.settle(moved.map { Settlement($0.receipt, .acknowledge) })
        try await marked
        #expect(!consumer.isHeld(other.receipt))
        let last = try await consumer.next(atMost: 1)
        #expect(last.map(\.queue) == [other.queue])
        // A stop gives back what has not begun.
        await consumer.stop()
        try await consumer.markBegun(last.map(\.receipt))
        #expect(last.allSatisfy { !consumer.isHeld($0.receipt) })
        try await consumer.close()
        let next = try await consume(queues)
        let again = try await next.next(atMost: 1)
        #expect(again.map(\.queue) == [other.queue] && again.map(\.attempts) == [1])
        try await next.settle(again.map { Settlement($0.receipt, .acknowledge) })
        try await next.close()
        try await expectEmpty(queues, on: channel)
        await connection.close()
    }
}
#endif
