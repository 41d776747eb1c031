#if AMQP

import CeleriacWire
import NIOCore
import NIOPosix
import Testing

@testable import CeleriacAMQP

/// Tests a connection with peers that misbehave, or that do what a real broker does not do on demand.
@Suite(.timeLimit(.minutes(5)))
struct PeerTests {
    private func expectConnectError(
        _ code: AMQPError.Code, _ text: String = "", _ script: @escaping ScriptedPeer.Script
    ) async throws {
        let peer = try await ScriptedPeer.start(script: script)
        let error = await #expect(throws: AMQPError.self) {
            _ = try await peer.connect { $0.connectTimeout = .seconds(code == .timeout ? 2 : 40) }
        }
        #expect(error?.code == code)
        #expect(error.map { "\($0)".contains(text) } == true)
        await peer.stop()
    }

    // MARK: The handshake

    @Test("A connection to a silent peer fails after the connect timeout")
    func silent() async throws {
        try await expectConnectError(.timeout) { _ in [] }
    }

    @Test("A peer with another protocol or another version of AMQP is refused")
    func otherProtocol() async throws {
        try await expectConnectError(.protocolViolation, "AMQP port") { _ in Array("HTTP/1.1 400 Bad Request".utf8) }
        try await expectConnectError(.protocolViolation, "another version") { _ in Array("AMQP".utf8) + [0, 1, 0, 0] }
    }

    @Test("A broker that hangs up after the credentials is not mistaken for a network failure")
    func hangUp() async throws {
        let peer = try await ScriptedPeer.start { $0.method == .connectionStartOk ? [] : nil }
        async let connecting = peer.connect()
        _ = await peer.next(.connectionStartOk)
        try await peer.client()?.close()
        do {
            _ = try await connecting
            Issue.record("connected")
        } catch let error as AMQPError {
            #expect(error.code == .connectFailed)
            #expect(error.message.contains("credentials"))
        }
        await peer.stop()
    }

    @Test("A connection to a closed port fails")
    func refused() async throws {
        let peer = try await ScriptedPeer.start()
        let configuration = peer.configuration()
        await peer.stop()
        let error = await #expect(throws: AMQPError.self) {
            _ = try await AMQPConnection.connect(
                configuration, on: MultiThreadedEventLoopGroup.singleton.next(), logger: LiveBroker.logger)
        }
        #expect(error?.code == .connectFailed)
    }

    @Test("A cancelled connect ends")
    func cancelledConnect() async throws {
        let peer = try await ScriptedPeer.start { _ in [] }
        let task = Task { try await peer.connect { $0.connectTimeout = .seconds(3600) } }
        _ = await peer.client()
        task.cancel()
        let error = await #expect(throws: AMQPError.self) { _ = try await task.value }
        #expect(error?.code == .cancelled)
        await peer.stop()
    }

    @Test("A silent first broker costs its connect timeout, not the publish")
    func silentFirst() async throws {
        let silent = try await ScriptedPeer.start { _ in [] }
        let good = try await ScriptedPeer.start()
        var first = silent.configuration()
        first.connectTimeout = .seconds(1)
        var second = good.configuration()
        second.connectTimeout = .seconds(30)
        let client = AMQPClient(
            configurations: [first, second], eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: LiveBroker.logger)
        #expect(try await client.connection().configuration.port == second.port)
        await client.close()
        await silent.stop()
        await good.stop()
    }

    @Test("A client that is released without being closed ends its connection")
    func dropped() async throws {
        let peer = try await ScriptedPeer.start()
        let closures = Inbox<AMQPError>()
        do {
            let client = AMQPClient(
                configurations: [peer.configuration()], eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
                logger: LiveBroker.logger)
            try await client.connection().onClose { closures.put($0) }
        }
        #expect(await closures.next()?.code == .connectionClosed)
        await peer.stop()
    }

    // MARK: Dead peers

    @Test("A silent peer is dead after two heartbeats and receives ours until then")
    func heartbeat() async throws {
        let peer = try await ScriptedPeer.start(heartbeat: 1)
        let connection = try await peer.connect()
        let channel = try await connection.openChannel()
        let closures = Inbox<AMQPError>()
        await connection.onClose { closures.put($0) }
        let error = await #expect(throws: AMQPError.self) { _ = try await channel.queueDeclare("q") }
        #expect(error?.code == .connectionLost)
        #expect(error?.message.contains("heartbeat") == true)
        #expect(await closures.next()?.code == .connectionLost)
        let late = Inbox<AMQPError>()
        await connection.onClose { late.put($0) }
        #expect(await late.next()?.code == .connectionLost)
        #expect(await peer.received.next { $0.kind == .heartbeat ? $0 : nil }?.payload == [])
        await peer.stop()
    }

    @Test("A peer that sends heartbeats stays connected")
    func beating() async throws {
        let peer = try await ScriptedPeer.start(heartbeat: 1) {
            $0.kind == .heartbeat ? Bytes.frame(8, channel: 0, []) : nil
        }
        let connection = try await peer.connect()
        for _ in 0..<6 { _ = await peer.received.next { $0.kind == .heartbeat ? $0 : nil } }
        #expect(await connection.isOpen)
        await connection.close()
        await peer.stop()
    }

    @Test("When the peer hangs up, every waiting caller gets one error")
    func hungUp() async throws {
        let peer = try await ScriptedPeer.start()
        let connection = try await peer.connect()
        let channel = try await connection.openChannel()
        let client = try #require(await peer.client())
        await withTaskGroup(of: AMQPError.Code?.self) { group in
            for number in 0..<100 {
                group.addTask {
                    do throws(AMQPError) {
                        if number % 2 == 0 {
                            _ = try await channel.publish([AMQPPublish(routingKey: "q", message: WireMessage())])
                        } else {
                            _ = try await channel.queueDeclare("q")
                        }
                        return nil
                    } catch {
                        return error.code
                    }
                }
            }
            for _ in 0..<50 { _ = await peer.next(.basicPublish) }
            try? await client.close()
            for await code in group { #expect(code == .connectionLost) }
        }
        await peer.stop()
    }

    // MARK: Violations

    @Test(
        "A protocol violation ends the connection with an error for every caller",
        arguments: [
            Bytes.frame(9, channel: 0, []),
            Bytes.method(60, 80, channel: 1, Bytes.u64(7) + [0]),
            Bytes.method(60, 80, channel: 9, Bytes.u64(1) + [0]),
            Bytes.method(60, 21, channel: 1, Bytes.short("c")),
            Bytes.method(50, 31, channel: 1, Bytes.u32(0)),
            Bytes.body(channel: 1, [1]),
            Bytes.header(channel: 1, bodySize: 0),
            Bytes.header(channel: 0, bodySize: 0),
            Bytes.frame(8, channel: 1, []),
            Bytes.method(
                60, 60, channel: 1, Bytes.short("unknown") + Bytes.u64(1) + [0] + Bytes.short("") + Bytes.short("q"))
                + Bytes.header(channel: 1, bodySize: 0),
            Bytes.method(60, 71, channel: 1, Bytes.u64(1) + [0] + Bytes.short("") + Bytes.short("q") + Bytes.u32(0))
                + Bytes.method(20, 20, channel: 1, [1]),
            Bytes.method(50, 10, channel: 1, Bytes.u16(0) + Bytes.short("q") + [0] + Bytes.nestedTables(5000)),
            Bytes.frame(1, channel: 1, [0, 60]),
        ])
    func violation(bytes: [UInt8]) async throws {
        let peer = try await ScriptedPeer.start { $0.method == .queueDeclare ? bytes : nil }
        let connection = try await peer.connect()
        let channel = try await connection.openChannel()
        let error = await #expect(throws: AMQPError.self) { _ = try await channel.queueDeclare("q") }
        #expect(error?.code == .protocolViolation)
        #expect(await connection.isOpen == false)
        #expect(await peer.next(.connectionClose) != nil)
        await peer.stop()
    }

    @Test("A queue that the broker permits no more is refused by its name, and others may try again")
    func deprecatedQueue() async throws {
        let text = "INTERNAL_ERROR - Feature `transient_nonexcl_queues` is deprecated.\nBy default,"
        let reason = Bytes.u16(541) + Bytes.short(text) + Bytes.u16(50) + Bytes.u16(10)
        let peer = try await ScriptedPeer.start { frame in
            frame.method == .queueDeclare ? Bytes.method(10, 50, channel: 0, reason) : nil
        }
        let connection = try await peer.connect()
        let channel = try await connection.openChannel(confirms: false)
        let error = await #expect(throws: AMQPError.self) {
            _ = try await channel.queueDeclare("mine", durable: false)
        }
        #expect(error?.code == .deprecatedFeature && error?.isOutOfReach == false && error?.replyCode == 541)
        #expect(error?.message.contains("make mine durable") == true)
        #expect(channel.closure?.code == .connectionClosedByServer && channel.closure?.isOutOfReach == true)
        await peer.stop()
    }

    // MARK: Missing and late replies

    @Test("A late reply to an abandoned call is not mistaken for the next call's")
    func lateAnswer() async throws {
        let peer = try await ScriptedPeer.start()
        let connection = try await peer.connect()
        let channel = try await connection.openChannel()
        let first = Task { try await channel.queueDeclare("first") }
        _ = await peer.next(.queueDeclare)
        first.cancel()
        let error = await #expect(throws: AMQPError.self) { _ = try await first.value }
        #expect(error?.code == .cancelled)
        #expect(error?.nothingSent == false)
        async let second = channel.queueDeclare("second")
        _ = await peer.next(.queueDeclare)
        try await peer.client()?.send(
            ["first", "second"].flatMap {
                Bytes.method(50, 11, channel: 1, Bytes.short($0) + Bytes.u32(0) + Bytes.u32(0))
            })
        #expect(try await second.name == "second")
        await connection.close()
        await peer.stop()
    }

    @Test("An unanswered call fails in time")
    func noAnswer() async throws {
        let peer = try await ScriptedPeer.start()
        let connection = try await peer.connect { $0.replyTimeout = .milliseconds(1500) }
        let channel = try await connection.openChannel()
        for _ in 0..<2 {
            let error = await #expect(throws: AMQPError.self) { _ = try await channel.queueDeclare("q") }
            #expect(error?.code == .timeout)
            #expect(error?.message.contains("queue.declare") == true)
        }
        await connection.close()
        await peer.stop()
    }

    @Test("A channel whose caller gave up is closed when it opens")
    func lateChannel() async throws {
        let peer = try await ScriptedPeer.start { $0.method == .channelOpen ? [] : nil }
        let connection = try await peer.connect { $0.replyTimeout = .milliseconds(1500) }
        let error = await #expect(throws: AMQPError.self) { _ = try await connection.openChannel(confirms: false) }
        #expect(error?.code == .timeout)
        try await peer.client()?.send(Bytes.method(20, 11, channel: 1, Bytes.u32(0)))
        #expect(await peer.next(.channelClose)?.channel == 1)
        await connection.close()
        await peer.stop()
    }

    @Test("A consumer whose caller gave up is cancelled, and its deliveries are returned")
    func lateConsumer() async throws {
        let peer = try await ScriptedPeer.start { frame in
            frame.method == .basicCancel ? Bytes.method(60, 31, channel: 1, Bytes.short("c")) : nil
        }
        let connection = try await peer.connect { $0.replyTimeout = .milliseconds(1500) }
        let channel = try await connection.openChannel()
        let error = await #expect(throws: AMQPError.self) {
            try await channel.consume(queue: "q") { _ in Issue.record("an abandoned consumer received events") }
        }
        #expect(error?.code == .timeout)
        try await peer.client()?.send(
            Bytes.method(60, 21, channel: 1, Bytes.short("c")) + delivery(1, "x"))
        #expect(await peer.next(.basicCancel)?.payload.dropFirst(4).starts(with: Bytes.short("c")) == true)
        #expect(await peer.next(.basicNack)?.payload.dropFirst(4).elementsEqual(Bytes.u64(1) + [0b10]) == true)
        await connection.close()
        await peer.stop()
    }

    @Test("A fetched message is returned if its caller gave up")
    func lateGet() async throws {
        let peer = try await ScriptedPeer.start()
        let connection = try await peer.connect { $0.replyTimeout = .milliseconds(1500) }
        let channel = try await connection.openChannel()
        let error = await #expect(throws: AMQPError.self) { _ = try await channel.get(queue: "q") }
        #expect(error?.code == .timeout)
        try await peer.client()?.send(
            Bytes.method(60, 71, channel: 1, Bytes.u64(1) + [0] + Bytes.short("") + Bytes.short("q") + Bytes.u32(0))
                + Bytes.header(channel: 1, bodySize: 0))
        #expect(await peer.next(.basicNack)?.payload.dropFirst(4).elementsEqual(Bytes.u64(1) + [0b10]) == true)
        await connection.close()
        await peer.stop()
    }

    // MARK: Blocked and stopped publishes

    @Test("Publishes wait unsent while the broker blocks them, and are sent when it unblocks")
    func blocked() async throws {
        let peer = try await ScriptedPeer.start { frame in
            frame.kind == .header ? Bytes.method(60, 80, channel: 1, Bytes.u64(1) + [0]) : nil
        }
        let connection = try await peer.connect()
        let channel = try await connection.openChannel()
        let client = try #require(await peer.client())
        try await client.send(Bytes.method(10, 60, Bytes.short("low on memory")))
        while await connection.blockedReason == nil { await Task.yield() }
        #expect(await connection.blockedReason == "low on memory")
        async let publishing = channel.publish([AMQPPublish(routingKey: "q", message: WireMessage())])
        while await connection.heldCount(channel) == 0 { await Task.yield() }
        try await client.send(Bytes.method(10, 61))
        #expect(try await publishing == [.confirmed])
        await connection.close()
        await peer.stop()
    }

    @Test("While the broker blocks publishes, deliveries come and acknowledgements go on the same channel")
    func consumesWhileBlocked() async throws {
        let peer = try await ScriptedPeer.start { frame in
            frame.method == .basicConsume ? Bytes.method(60, 21, channel: 1, Bytes.short("c")) : nil
        }
        let connection = try await peer.connect()
        let channel = try await connection.openChannel(confirms: false)
        let inbox = ConsumerInbox()
        try await channel.consume(queue: "q", consumerTag: "c") { inbox.put(events: $0) }
        let client = try #require(await peer.client())
        try await client.send(Bytes.method(10, 60, Bytes.short("low on memory")))
        while await connection.blockedReason == nil { await Task.yield() }
        async let publishing = channel.publish([AMQPPublish(routingKey: "q", message: WireMessage())])
        while await connection.heldCount(channel) == 0 { await Task.yield() }
        try await client.send(delivery(1, "x"))
        let arrived = try #require(await inbox.nextDelivery())
        channel.ack([arrived.deliveryTag])
        #expect(await peer.next(.basicAck)?.payload.dropFirst(4).starts(with: Bytes.u64(1)) == true)
        #expect(await connection.heldCount(channel) == 1)
        try await client.send(Bytes.method(10, 61))
        #expect(try await publishing.count == 1)
        await connection.close()
        await peer.stop()
    }

    @Test("A publish that is blocked for too long fails and is never sent")
    func blockedTooLong() async throws {
        let peer = try await ScriptedPeer.start()
        let connection = try await peer.connect { $0.replyTimeout = .milliseconds(1500) }
        let channel = try await connection.openChannel()
        let client = try #require(await peer.client())
        try await client.send(Bytes.method(10, 60, Bytes.short("low on disk")))
        while await connection.blockedReason == nil { await Task.yield() }
        let error = await #expect(throws: AMQPError.self) {
            _ = try await channel.publish([AMQPPublish(routingKey: "first", message: WireMessage())])
        }
        #expect(error?.code == .blocked)
        #expect(error?.message.contains("low on disk") == true)
        #expect(error?.nothingSent == true)
        try await client.send(Bytes.method(10, 61))
        while await connection.blockedReason != nil { await Task.yield() }
        _ = try? await channel.publish([AMQPPublish(routingKey: "second", message: WireMessage())])
        let sent = await peer.next(.basicPublish)
        #expect(sent?.payload.dropFirst(4).elementsEqual(Bytes.u16(0) + [0] + Bytes.short("second") + [0]) == true)
        await connection.close()
        await peer.stop()
    }

    @Test("A channel that the broker stops waits until the broker restarts it")
    func flow() async throws {
        let peer = try await ScriptedPeer.start { frame in
            frame.kind == .header ? Bytes.method(60, 80, channel: 1, Bytes.u64(1) + [0]) : nil
        }
        let connection = try await peer.connect()
        let channel = try await connection.openChannel()
        let client = try #require(await peer.client())
        try await client.send(Bytes.method(20, 20, channel: 1, [0]))
        #expect(await peer.next(.channelFlowOk)?.payload.last == 0)
        async let publishing = channel.publish([AMQPPublish(routingKey: "q", message: WireMessage())])
        while await connection.heldCount(channel) == 0 { await Task.yield() }
        try await client.send(Bytes.method(20, 20, channel: 1, [1]))
        #expect(await peer.next(.channelFlowOk)?.payload.last == 1)
        #expect(try await publishing == [.confirmed])
        await connection.close()
        await peer.stop()
    }

    // MARK: Deliveries

    private func delivery(_ tag: Int, _ body: String) -> [UInt8] {
        Bytes.method(60, 60, channel: 1, Bytes.short("c") + Bytes.u64(tag) + [0] + Bytes.short("") + Bytes.short("q"))
            + Bytes.header(channel: 1, bodySize: body.utf8.count)
            + (body.isEmpty ? [] : Bytes.body(channel: 1, Array(body.utf8)))
    }

    @Test("Deliveries of one read arrive together and are acknowledged with one method")
    func batch() async throws {
        let deliveries = (1...50).flatMap { delivery($0, "body \($0)") }
        let peer = try await ScriptedPeer.start { frame in
            frame.method == .basicConsume
                ? Bytes.method(60, 21, channel: 1, Bytes.short("c")) + deliveries : nil
        }
        let connection = try await peer.connect()
        let channel = try await connection.openChannel()
        let batches = Inbox<[AMQPDelivery]>()
        try await channel.consume(queue: "q") { events in
            for case .deliveries(let deliveries) in events {
                channel.ack(deliveries.map(\.deliveryTag))
                batches.put(deliveries)
            }
        }
        let batch = try #require(await batches.next())
        #expect(batch.map { String(decoding: $0.message.body, as: UTF8.self) } == (1...50).map { "body \($0)" })
        #expect(await peer.next(.basicAck)?.payload.dropFirst(4).elementsEqual(Bytes.u64(50) + [1]) == true)
        await connection.close()
        await peer.stop()
    }

    @Test("Refusals are sent before acknowledgements, so that no acknowledgement covers them")
    func refusalsFirst() async throws {
        let deliveries = (1...4).flatMap { delivery($0, "") }
        let peer = try await ScriptedPeer.start { frame in
            frame.method == .basicConsume
                ? Bytes.method(60, 21, channel: 1, Bytes.short("c")) + deliveries : nil
        }
        let connection = try await peer.connect()
        let channel = try await connection.openChannel()
        try await channel.consume(queue: "q") { events in
            guard case .deliveries? = events.first else { return }
            channel.ack([1, 3])
            channel.nack([2], requeue: true)
            channel.reject(4, requeue: false)
        }
        #expect(await peer.next(.basicNack)?.payload.dropFirst(4).elementsEqual(Bytes.u64(2) + [0b10]) == true)
        #expect(await peer.next(.basicReject)?.payload.dropFirst(4).elementsEqual(Bytes.u64(4) + [0]) == true)
        #expect(await peer.next(.basicAck)?.payload.dropFirst(4).elementsEqual(Bytes.u64(3) + [1]) == true)
        await connection.close()
        await peer.stop()
    }

    @Test("Acknowledgements made before a close are sent before it")
    func acknowledgedBeforeClose() async throws {
        let deliveries = delivery(1, "") + delivery(2, "")
        let peer = try await ScriptedPeer.start { frame in
            frame.method == .basicConsume
                ? Bytes.method(60, 21, channel: 1, Bytes.short("c")) + deliveries : nil
        }
        let connection = try await peer.connect()
        let channel = try await connection.openChannel()
        let inbox = ConsumerInbox()
        try await channel.consume(queue: "q") { inbox.put(events: $0) }
        _ = await inbox.nextDelivery()
        channel.ack([1])
        await channel.close()
        channel.ack([2])
        let settled = await peer.received.next { [.basicAck, .channelClose].contains($0.method) ? $0 : nil }
        #expect(settled?.method == .basicAck)
        await connection.close()
        let rest = await peer.received.next { [.basicAck, .connectionClose].contains($0.method) ? $0 : nil }
        #expect(rest?.method == .connectionClose)
        await peer.stop()
    }

    @Test("The same deliveries arrive whatever the read boundaries")
    func splitReads() async throws {
        let deliveries = (1...3).flatMap { delivery($0, "body \($0)") }
        let peer = try await ScriptedPeer.start { frame in
            frame.method == .basicConsume ? Bytes.method(60, 21, channel: 1, Bytes.short("c")) : nil
        }
        let connection = try await peer.connect()
        let channel = try await connection.openChannel()
        let inbox = ConsumerInbox()
        try await channel.consume(queue: "q") { inbox.put(events: $0) }
        let client = try #require(await peer.client())
        for byte in deliveries { try await client.send([byte]) }
        for number in 1...3 {
            let delivery = await inbox.nextDelivery()
            #expect(delivery?.deliveryTag == UInt64(number))
            #expect(delivery?.message.body == Array("body \(number)".utf8))
        }
        await connection.close()
        await peer.stop()
    }
}

#endif
