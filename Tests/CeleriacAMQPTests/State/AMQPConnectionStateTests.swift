#if AMQP

import CeleriacWire
import NIOCore
import Testing

@testable import CeleriacAMQP

/// Tests the connection's decisions, input by input, without a socket or a clock.
struct AMQPConnectionStateTests {
    private func closedByServer(_ code: UInt16, _ text: String) -> AMQPError {
        AMQPError(.connectionClosedByServer, "The broker closed the connection", replyCode: code, replyText: text)
    }

    private func delivery(_ tag: UInt64, _ body: [UInt8] = []) -> AMQPDelivery {
        AMQPDelivery(
            consumerTag: "c", deliveryTag: tag, redelivered: false, exchange: "", routingKey: "q",
            message: WireMessage(body: body), defect: nil)
    }

    // MARK: Handshake

    @Test("A handshake leads from the protocol header to an open connection")
    func handshake() throws {
        let harness = StateHarness { $0.channelMax = 7 }
        #expect(
            harness.start() == [.schedule(.connect, at: harness.now + .seconds(10))])
        #expect(harness.connected() == [StateHarness.header])
        #expect(harness.receive(Peer.start) == [.flushLater])
        _ = harness.flush()
        #expect(
            harness.receive(Peer.tune(channelMax: 9, frameMax: 8192, heartbeat: 10)) == [
                .flushLater, .schedule(.heartbeat, at: harness.now + .seconds(5)),
            ])
        #expect(
            harness.flush() == [
                try StateHarness.write(
                    .connectionTuneOk(channelMax: 7, frameMax: 8192, heartbeat: 10), .connectionOpen(virtualHost: "/"))
            ])
        #expect(!harness.isOpen)
        #expect(harness.receive(Peer.openOk) == [.cancel(.connect), .opened])
        #expect(harness.isOpen)
    }

    @Test("A refused login ends the connection with the broker's reply text")
    func refusedLogin() throws {
        let harness = StateHarness()
        _ = harness.connected()
        _ = harness.receive(Peer.start)
        _ = harness.flush()
        let error = AMQPError(
            .authenticationFailed, "The broker refused the credentials", replyCode: 403, replyText: "ACCESS_REFUSED")
        #expect(
            harness.receive(Peer.close(403, "ACCESS_REFUSED")) == [
                .flushLater, try StateHarness.write(.connectionCloseOk), .ended(error),
            ])
    }

    @Test("A handshake ends if it takes too long, is cancelled or loses its socket")
    func handshakeEnds() {
        let slow = StateHarness()
        #expect(
            slow.timerFired(.connect) == [
                .ended(AMQPError(.timeout, "No AMQP connection within 10.0 seconds."))
            ])
        let cancelled = StateHarness()
        #expect(cancelled.cancelHandshake() == [.ended(.cancelled)])
        #expect(cancelled.transportClosed() == [])
        let lost = StateHarness()
        _ = lost.receive(Peer.start)
        _ = lost.flush()
        #expect(
            lost.transportClosed() == [
                .ended(
                    AMQPError(
                        .connectFailed,
                        "The broker closed the connection during the handshake, which may mean that it refused the "
                            + "credentials."))
            ])
        let open = StateHarness.open()
        #expect(open.timerFired(.connect) == [])
        #expect(open.cancelHandshake() == [])
    }

    // MARK: Channels

    @Test("A channel is opened with confirms, and its caller gets it with the last reply")
    func openChannel() throws {
        let harness = StateHarness.open()
        let waiter = harness.makeWaiterID()
        #expect(
            harness.openChannel(confirms: true, for: waiter) == [
                .schedule(.reply, at: harness.now + .seconds(60)), .flushLater,
            ])
        #expect(harness.flush() == [try StateHarness.write(.channelOpen, .confirmSelect, channel: 1)])
        #expect(harness.receive(Bytes.method(20, 11, channel: 1, Bytes.u32(0))) == [])
        let id = ChannelID(number: 1, serial: 1)
        #expect(harness.receive(Bytes.method(85, 11, channel: 1)) == [.answer(waiter, .success(.channel(id)))])
        #expect(harness.isOpen(id))
    }

    @Test("There are as many channels as negotiated, and a number is reused with another serial")
    func channelLimit() throws {
        let harness = StateHarness.open(channelMax: 1)
        let first = harness.channel()
        let refused = harness.makeWaiterID()
        let error = AMQPError(
            .channelLimit, "This connection has no free channel (its limit is 1); close some.", nothingSent: true)
        #expect(
            harness.openChannel(confirms: false, for: refused).last
                == .answer(refused, .failure(error)))
        let closing = harness.makeWaiterID()
        _ = harness.closeChannel(first, for: closing)
        #expect(
            harness.receive(Bytes.method(20, 41, channel: 1)).last
                == .answer(closing, .success(.method(.plain(.channelCloseOk)))))
        let second = harness.channel()
        #expect(second.number == first.number && second != first)
        #expect(!harness.isOpen(first))
    }

    @Test("The shared channel is opened once for all its callers")
    func sharedChannel() throws {
        let harness = StateHarness.open()
        let first = harness.makeWaiterID()
        _ = harness.openSharedChannel(.toQueues, for: first)
        let second = harness.makeWaiterID()
        #expect(harness.openSharedChannel(.toQueues, for: second) == [])
        #expect(harness.flush() == [try StateHarness.write(.channelOpen, .confirmSelect, channel: 1)])
        let id = ChannelID(number: 1, serial: 1)
        #expect(
            harness.receive(Bytes.method(20, 11, channel: 1, Bytes.u32(0)) + Bytes.method(85, 11, channel: 1)) == [
                .answer(first, .success(.channel(id))), .answer(second, .success(.channel(id))),
            ])
        #expect(harness.sharedChannel(.toQueues) == id)
        #expect(harness.sharedChannel(.toExchanges) == nil)
        _ = harness.receive(Peer.close(404, "NOT_FOUND", channel: 1))
        #expect(harness.sharedChannel(.toQueues) == nil)
    }

    @Test("A channel that the broker closes fails its callers, and the connection stays open")
    func channelClosedByServer() throws {
        let harness = StateHarness.open()
        let channel = harness.channel()
        let consumer = harness.consumer(on: channel)
        let waiter = harness.purge(on: channel)
        let error = AMQPError(
            .channelClosedByServer, "The broker closed the channel", replyCode: 404, replyText: "NOT_FOUND")
        #expect(
            harness.receive(Peer.close(404, "NOT_FOUND", channel: 1)) == [
                .flushLater, .channelEnded(channel, error), .deliver([.closed(error)], to: consumer),
                .dropConsumer(consumer), .answer(waiter, .failure(error)),
            ])
        #expect(harness.flush() == [try StateHarness.write(.channelCloseOk, channel: 1)])
        #expect(harness.isOpen)
        let late = harness.call(.queuePurge(queue: "q"), .reply(.queuePurgeOk), on: channel)
        #expect(late.actions.last == .answer(late.waiter, .failure(AMQPError.channelClosed.withNothingSent())))
    }

    @Test("Calls are answered in order; an abandoned call keeps its place")
    func calls() {
        let harness = StateHarness.open()
        let channel = harness.channel()
        let first = harness.purge(on: channel)
        let second = harness.purge(on: channel)
        #expect(harness.cancelWait(first) == [.answer(first, .failure(.cancelled))])
        #expect(harness.cancelWait(first) == [])
        #expect(
            harness.receive(Peer.purgeOk(1) + Peer.purgeOk(2)) == [
                .answer(second, .success(.method(.queuePurgeOk(messageCount: 2))))
            ])
    }

    @Test("A call that AMQP cannot carry fails immediately and awaits no reply")
    func invalidCall() {
        let harness = StateHarness.open()
        let channel = harness.channel()
        let name = String(repeating: "q", count: 256)
        let invalid = harness.call(.queuePurge(queue: name), .reply(.queuePurgeOk), on: channel)
        guard case .answer(invalid.waiter, .failure(let error))? = invalid.actions.last else {
            Issue.record("\(invalid.actions)")
            return
        }
        #expect(error.code == .invalidMessage && error.nothingSent)
        let valid = harness.purge(on: channel)
        #expect(
            harness.receive(Peer.purgeOk(3)) == [.answer(valid, .success(.method(.queuePurgeOk(messageCount: 3))))])
    }

    @Test("An unanswered call fails at its deadline, and the timer moves on to the next one")
    func deadlines() {
        let harness = StateHarness.open()
        let channel = harness.channel()
        harness.now = StateHarness.start + .seconds(10)
        let first = harness.purge(on: channel)
        harness.now = StateHarness.start + .seconds(30)
        let second = harness.purge(on: channel)
        #expect(
            harness.timerFired(.reply, now: StateHarness.start + .seconds(70)) == [
                .answer(first, .failure(StateHarness.timeout("a call"))),
                .schedule(.reply, at: StateHarness.start + .seconds(90)),
            ])
        #expect(
            harness.timerFired(.reply, now: StateHarness.start + .seconds(90)) == [
                .answer(second, .failure(StateHarness.timeout("a call")))
            ])
    }

    // MARK: Publishing

    @Test("Confirms, refusals and returns become outcomes")
    func confirms() {
        let harness = StateHarness.open()
        let channel = harness.channel(confirms: true)
        let first = harness.publish("a", "b", on: channel).waiter
        let second = harness.publish("c", on: channel).waiter
        let third = harness.publish("d", on: channel).waiter
        #expect(harness.receive(Peer.nack(2)) == [])
        #expect(harness.receive(Peer.ack(1)) == [.answer(first, .success(.outcomes([.confirmed, .nacked])))])
        let returned = Bytes.method(
            60, 50, channel: 1, Bytes.u16(312) + Bytes.short("NO_ROUTE") + Bytes.short("") + Bytes.short("d"))
        #expect(harness.receive(returned + Bytes.header(channel: 1, bodySize: 0)) == [])
        #expect(
            harness.receive(Peer.ack(4, multiple: true)) == [
                .answer(second, .success(.outcomes([.confirmed]))),
                .answer(third, .success(.outcomes([.returned(code: 312, text: "NO_ROUTE")]))),
            ])
    }

    @Test("Without confirms, a publish is answered when the operating system has accepted it")
    func unconfirmed() {
        let harness = StateHarness.open()
        let channel = harness.channel()
        let publish = harness.publish("a", on: channel)
        guard case .write(_, reportsWritten: true)? = publish.actions.last else {
            Issue.record("\(publish.actions)")
            return
        }
        #expect(harness.written() == [.answer(publish.waiter, .success(.outcomes([.unconfirmed])))])
        #expect(harness.written() == [])
    }

    @Test("Publishes are held while the broker blocks them; abandoned ones are never sent")
    func blocked() {
        let harness = StateHarness.open()
        let channel = harness.channel(confirms: true)
        #expect(
            harness.receive(Bytes.method(10, 60, Bytes.short("low on memory"))) == [
                .log(.blocked(reason: "low on memory"))
            ])
        let first = harness.publish("a", on: channel)
        #expect(first.actions == [])
        let second = harness.publish("b", on: channel)
        #expect(second.actions == [])
        #expect(
            harness.cancelWait(first.waiter) == [
                .answer(first.waiter, .failure(AMQPError.cancelled.withNothingSent()))
            ])
        #expect(harness.receive(Bytes.method(10, 61)) == [.log(.unblocked), .flushLater])
        #expect(harness.receive(Peer.ack(1)) == [.answer(second.waiter, .success(.outcomes([.confirmed])))])
    }

    @Test("A publish that is blocked for too long fails and says that nothing was sent")
    func blockedTooLong() {
        let harness = StateHarness.open()
        let channel = harness.channel(confirms: true)
        _ = harness.receive(Bytes.method(10, 60, Bytes.short("low on disk")))
        let publish = harness.publish("a", on: channel)
        let error = AMQPError(
            .blocked,
            "The broker blocks publishes (low on disk) and did not answer basic.publish within 60.0 seconds.",
            nothingSent: true)
        #expect(
            harness.timerFired(.reply, now: harness.now + .seconds(60)) == [
                .answer(publish.waiter, .failure(error))
            ])
    }

    // MARK: Consuming

    @Test("A delivery is assembled from its frames and handed over when the read ends")
    func delivery() throws {
        let harness = StateHarness.open()
        let channel = harness.channel()
        let consumer = harness.consumer(on: channel)
        #expect(harness.receive(Peer.deliver(1)) == [])
        #expect(harness.receive(Bytes.header(channel: 1, bodySize: 3)) == [])
        #expect(harness.receive(Bytes.body(channel: 1, [1, 2])) == [])
        #expect(harness.readEnded() == [])
        let last = Bytes.body(channel: 1, [3])
        #expect(harness.receive(Array(last.dropLast(4))) == [])
        #expect(harness.receive(last.suffix(4) + Peer.deliver(2) + Bytes.header(channel: 1, bodySize: 0)) == [])
        #expect(
            harness.readEnded() == [.deliver([.deliveries([delivery(1, [1, 2, 3]), delivery(2)])], to: consumer)])
        #expect(harness.settle([.ack([1, 2])], on: channel) == [.flushLater])
        #expect(harness.flush() == [try StateHarness.write(.basicAck(deliveryTag: 2, multiple: true), channel: 1)])
        #expect(harness.settle([.ack([2])], on: channel) == [])
    }

    @Test("A consumer that the broker cancels learns of it after its deliveries, and ends at the broker, too")
    func cancelledByServer() throws {
        let harness = StateHarness.open()
        let consumer = harness.consumer(on: harness.channel())
        let cancel = Bytes.method(60, 30, channel: 1, Bytes.short("c") + [1])
        #expect(
            harness.receive(Peer.deliver(1) + Bytes.header(channel: 1, bodySize: 0) + cancel) == [
                .deliver([.deliveries([delivery(1)]), .cancelled], to: consumer), .dropConsumer(consumer), .flushLater,
            ])
        #expect(harness.readEnded() == [try StateHarness.write(.basicCancel(consumerTag: "c"), channel: 1)])
        _ = harness.flush()
        // RabbitMQ 4.3 may deliver more before it hears of the end.
        #expect(harness.receive(Peer.deliver(2) + Bytes.header(channel: 1, bodySize: 0)) == [.flushLater])
        #expect(
            harness.readEnded() == [
                try StateHarness.write(.basicNack(deliveryTag: 2, multiple: false, requeue: true), channel: 1)
            ])
        _ = harness.flush()
        #expect(harness.receive(Bytes.method(60, 31, channel: 1, Bytes.short("c"))) == [])
        #expect(harness.readEnded() == [] && harness.isOpen)
    }

    @Test("Replies of queues may come after the channel's own to later calls, and not in the order of the calls")
    func overtakenReplies() throws {
        let harness = StateHarness.open()
        let channel = harness.channel()
        func consume(_ tag: String) -> WaiterID {
            harness.call(
                .basicConsume(queue: tag, consumerTag: tag, noAck: false, exclusive: false, arguments: [:]),
                .consume(consumerTag: tag, noAck: false), on: channel
            ).waiter
        }
        func cancel(_ tag: String) -> WaiterID {
            harness.call(.basicCancel(consumerTag: tag), .cancel(consumerTag: tag), on: channel).waiter
        }
        func confirmed(_ tag: String) -> [UInt8] { Bytes.method(60, 21, channel: 1, Bytes.short(tag)) }
        func cancelled(_ tag: String) -> [UInt8] { Bytes.method(60, 31, channel: 1, Bytes.short(tag)) }

        let (first, second) = (consume("c"), consume("d"))
        let purge = harness.purge(on: channel)
        #expect(
            harness.receive(Peer.purgeOk(1)) == [
                .answer(
                    purge, .success(.method(.queuePurgeOk(messageCount: 1))))
            ])
        for (tag, waiter) in [("d", second), ("c", first)] {
            #expect(
                harness.receive(confirmed(tag)) == [
                    .answer(waiter, .success(.method(.basicConsumeOk(consumerTag: tag))))
                ])
        }
        let ends = [("c", first, cancel("c")), ("d", second, cancel("d"))]
        let qos = harness.call(
            .basicQos(prefetchCount: 3, global: false), .reply(.basicQosOk), on: channel
        ).waiter
        #expect(
            harness.receive(Bytes.method(60, 11, channel: 1)) == [.answer(qos, .success(.method(.plain(.basicQosOk))))])
        for (tag, consumer, waiter) in ends.reversed() {
            #expect(
                harness.receive(cancelled(tag)) == [
                    .dropConsumer(consumer), .answer(waiter, .success(.method(.basicCancelOk(consumerTag: tag)))),
                ])
        }
    }

    @Test("A consumer whose caller gave up is cancelled, and its deliveries are returned")
    func lateConsumer() throws {
        let harness = StateHarness.open()
        let channel = harness.channel()
        let consume = harness.call(
            .basicConsume(queue: "q", consumerTag: "c", noAck: false, exclusive: false, arguments: [:]),
            .consume(consumerTag: "c", noAck: false), on: channel)
        _ = harness.cancelWait(consume.waiter)
        let consumeOk = Bytes.method(60, 21, channel: 1, Bytes.short("c"))
        #expect(
            harness.receive(consumeOk + Peer.deliver(1) + Bytes.header(channel: 1, bodySize: 0)) == [.flushLater])
        #expect(
            harness.readEnded() == [
                try StateHarness.write(
                    .basicCancel(consumerTag: "c"), .basicNack(deliveryTag: 1, multiple: false, requeue: true),
                    channel: 1)
            ])
    }

    // MARK: Heartbeats

    @Test("Heartbeats are sent when we are silent, and a peer that is silent for two intervals is dead")
    func heartbeat() {
        let harness = StateHarness.open(heartbeat: 10)
        let beat = ConnectionAction.write(
            ByteBuffer(bytes: Bytes.frame(8, channel: 0, [])), reportsWritten: false)
        let first = StateHarness.start + .seconds(5)
        #expect(
            harness.timerFired(.heartbeat, now: first) == [
                beat, .schedule(.heartbeat, at: first + .seconds(5)),
            ])
        harness.now = StateHarness.start + .seconds(8)
        #expect(harness.receive(Bytes.frame(8, channel: 0, [])) == [])
        let dead = StateHarness.start + .seconds(28)
        let error = AMQPError(
            .connectionLost, "The broker sent nothing for two heartbeat intervals of 10 s.")
        #expect(harness.timerFired(.heartbeat, now: dead) == [.ended(error)])
        #expect(harness.timerFired(.heartbeat, now: dead) == [])
    }

    // MARK: Ending

    @Test("A connection that the broker closes answers every waiting caller once")
    func closedByServer() throws {
        let harness = StateHarness.open()
        let channel = harness.channel(confirms: true)
        let call = harness.purge(on: channel)
        let publish = harness.publish("a", on: channel).waiter
        let error = closedByServer(320, "CONNECTION_FORCED")
        #expect(
            harness.receive(Peer.close(320, "CONNECTION_FORCED")) == [
                .flushLater, try StateHarness.write(.connectionCloseOk), .channelEnded(channel, error),
                .answer(call, .failure(error)), .answer(publish, .failure(error)), .ended(error),
            ])
        #expect(harness.receive(Peer.purgeOk(1)) == [])
        #expect(harness.transportClosed() == [])
        let late = harness.makeWaiterID()
        #expect(
            harness.openChannel(confirms: false, for: late).last
                == .answer(late, .failure(error.withNothingSent())))
    }

    @Test("Closing answers the callers first, and ends when the broker agrees or after five seconds")
    func close() throws {
        for agrees in [true, false] {
            let harness = StateHarness.open()
            let channel = harness.channel()
            let call = harness.purge(on: channel)
            #expect(
                harness.close() == [
                    .channelEnded(channel, .connectionClosed), .answer(call, .failure(.connectionClosed)),
                    .flushLater, try StateHarness.write(.connectionClose(code: 200, text: "closed")),
                    .schedule(.close, at: harness.now + .seconds(5)),
                ])
            #expect(harness.close() == [])
            // Late frames for a channel are ignored.
            #expect(harness.receive(Peer.purgeOk(1)) == [])
            #expect(
                (agrees
                    ? harness.receive(Bytes.method(10, 51)) : harness.timerFired(.close))
                    == [.ended(.connectionClosed)])
        }
    }

    @Test("The close does not wait for a broker that has left a question unanswered for a second")
    func silentBroker() {
        for answers in [true, false] {
            let harness = StateHarness.open()
            let channel = harness.channel()
            _ = harness.purge(on: channel)
            harness.now = harness.now + .seconds(1)
            if answers { _ = harness.receive(Peer.purgeOk(1)) }
            let patience: TimeAmount = answers ? .seconds(5) : .zero
            #expect(harness.close().last == .schedule(.close, at: harness.now + patience))
        }
    }

    @Test("A publish that nobody confirms is no question")
    func unconfirmedPublish() {
        for confirms in [true, false] {
            let harness = StateHarness.open()
            let channel = harness.channel(confirms: confirms)
            _ = harness.publish("a", on: channel)
            harness.now = harness.now + .seconds(60)
            let patience: TimeAmount = confirms ? .zero : .seconds(5)
            #expect(harness.close().last == .schedule(.close, at: harness.now + patience))
        }
    }

    @Test("A lost socket fails every caller with the socket's first error")
    func lostSocket() {
        struct Reset: Error {}
        let harness = StateHarness.open()
        let channel = harness.channel()
        let call = harness.purge(on: channel)
        let error = AMQPError(.connectionLost, "The connection to the broker broke.", cause: Reset())
        #expect(
            harness.transportFailed(Reset(), isTLS: false, isUncleanShutdown: false) == [
                .channelEnded(channel, error), .answer(call, .failure(error)), .ended(error),
            ])
        let quiet = StateHarness.open()
        #expect(quiet.transportFailed(Reset(), isTLS: true, isUncleanShutdown: true) == [])
        #expect(
            quiet.transportClosed() == [
                .ended(AMQPError(.connectionLost, "The broker closed the socket.", cause: Reset()))
            ])
    }

    @Test(
        "A protocol violation aborts the connection",
        arguments: [
            (Bytes.frame(9, channel: 0, []), "frame of unknown type 9, which no AMQP port sends"),
            (Bytes.method(99, 99, channel: 1), "a method of unknown number 6488163"),
            (Bytes.header(channel: 0, bodySize: 0), "content on channel 0"),
            (Bytes.frame(8, channel: 1, []), "a heartbeat on channel 1"),
            (Bytes.body(channel: 1, [1]), "a content body out of place, or longer than its header says"),
            (Bytes.method(20, 41, channel: 9), "a frame for channel 9, which is not open"),
            (Peer.ack(1), "a confirm on a channel without confirms"),
            (Peer.purgeOk(1), "queue.purge-ok without a request"),
            (Peer.start, "connection.start on an open connection"),
            (Peer.deliver(1) + Peer.purgeOk(1), "queue.purge-ok in the middle of a content"),
            (
                Peer.deliver(1) + Bytes.header(channel: 1, bodySize: 0),
                "a delivery for a consumer that does not exist"
            ),
        ])
    func violations(bytes: [UInt8], what: String) throws {
        let harness = StateHarness.open()
        let channel = harness.channel()
        let error = AMQPError.violation(what)
        #expect(
            harness.receive(bytes) == [
                .log(.brokenOff(error)), .flushLater,
                try StateHarness.write(.connectionClose(code: 501, text: "protocol broken")),
                .channelEnded(channel, error), .ended(error),
            ])
    }

    @Test("A method out of order aborts the handshake")
    func handshakeViolation() throws {
        let harness = StateHarness()
        let error = AMQPError.violation("connection.open-ok during the handshake")
        #expect(
            harness.receive(Peer.openOk) == [
                .log(.brokenOff(error)), .flushLater,
                try StateHarness.write(.connectionClose(code: 501, text: "protocol broken")), .ended(error),
            ])
    }
}

#endif
