import CeleriacTestKit
import CeleriacWire
import Logging
import NIOConcurrencyHelpers
import TestSupport
import Testing

import struct FoundationEssentials.Date

@testable import CeleriacCore

/// How effects are carried out, without a broker.
@Suite("Effects", .timeLimit(.minutes(5)))
struct EffectPipelineTests {
    private let timers = VirtualTimers()
    private let ended = NIOLockedValueBox(0)

    private func pipeline(
        _ peer: TripRecorder, timers: (any TimerSource)? = nil,
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    ) -> EffectPipeline {
        EffectPipeline(
            dialect: PlainDialect(), broker: peer, store: peer, consumer: peer,
            held: HeldTasks(consumer: peer, timers: self.timers), timers: timers ?? self.timers,
            logger: logger,
            onJobsEnded: { [ended] count in ended.withLockedValue { $0 += count } })
    }

    /// Runs a pipeline until all its plans are done.
    private func run(
        _ pipeline: EffectPipeline,
        meanwhile: () async -> Void = {},
        instead: @escaping @Sendable (Plan, any Error) -> [Effect] = { _, _ in [] },
        call: @escaping @Sendable (ErrorCall, Plan) async -> Void = { _, _ in }
    ) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await pipeline.run(instead: instead, call: call) }
            await meanwhile()
            await pipeline.drain()
            pipeline.close()
        }
    }

    private func plan(
        _ tag: UInt64, _ effects: [Effect], redelivered: Bool = false, onEnd: (@Sendable () -> Void)? = nil
    ) -> Plan {
        let request = TaskRequest(
            id: "task-\(tag)", name: "work", arguments: [], keywordArguments: [:], headers: [:], queue: "q",
            redelivered: redelivered, message: PlainMessage())
        let context = EffectContext(
            nodeName: "w", now: timers.now, storesResult: true, taskOptions: TaskOptions(), resultExpiry: nil,
            publication: PublicationContext(
                now: timers.now, replyTo: "", defaultQueue: "q", routes: [:], countsChords: true, resultExpiry: nil))
        return Plan(
            receipt: Receipt(generation: 1, tag: tag), taskID: request.id, endsJob: true, request: request,
            context: context, effects: effects, onEnd: onEnd)
    }

    private func publish(_ keys: String...) -> Effect {
        .publish(keys.map { OutgoingMessage(message: WireMessage(), routingKey: $0) })
    }

    private func store(_ id: String) -> Effect {
        .store(ResultRecord(taskID: id, state: .success, payload: []))
    }

    private func settled(_ disposition: Settlement.Disposition, _ tags: UInt64...) -> Trip {
        .settle(tags.map { Settlement(Receipt(generation: 1, tag: $0), disposition) })
    }

    private let part = ChordPart(groupID: "g", taskID: "task-1", index: 0, payload: [1], expiry: nil, token: "t")
    private let claim = ChordClaim(groupID: "g", token: "t")

    // MARK: Order

    @Test("are carried out in the order of their plan, which then ends")
    func order() async {
        let peer = TripRecorder()
        let pipeline = pipeline(peer)
        let hasEnded = Gate()
        pipeline.submit(
            plan(
                1,
                [
                    store("early"), publish("a", "b"), store("late"), .chord(.extend(groupID: "g")), publish("c"),
                    .settle(.acknowledge),
                ], onEnd: { hasEnded.open() }))
        await run(pipeline)
        #expect(
            peer.trips == [
                .store(["early"]), .publish(["a", "b"]), .store(["late"]), .chord([.extend(groupID: "g")]),
                .publish(["c"]), settled(.acknowledge, 1),
            ])
        #expect(hasEnded.isOpen && ended.withLockedValue { $0 } == 1)
    }

    @Test("of several plans share a round trip, and those that come meanwhile the next one")
    func batches() async {
        let (started, goOn) = (Gate(), Gate())
        let peer = TripRecorder { trip in
            if trip == .publish(["a", "b"]) {
                started.open()
                await goOn.wait()
            }
            return nil
        }
        let pipeline = pipeline(peer)
        pipeline.submit(plan(1, [publish("a")]))
        pipeline.submit(plan(2, [publish("b")]))
        await run(pipeline) {
            await started.wait()
            for tag: UInt64 in 3...5 { pipeline.submit(plan(tag, [publish("\(tag)"), .settle(.acknowledge)])) }
            goOn.open()
        }
        #expect(peer.trips == [.publish(["a", "b"]), .publish(["3", "4", "5"]), settled(.acknowledge, 3, 4, 5)])
        #expect(ended.withLockedValue { $0 } == 5)
    }

    @Test("of plans that part ways go each to their own lane")
    func partedWays() async {
        let peer = TripRecorder()
        let pipeline = pipeline(peer)
        pipeline.submit(plan(1, [publish("a"), .settle(.acknowledge)]))
        pipeline.submit(plan(2, [publish("b"), store("x")]))
        pipeline.submit(plan(3, [publish("c")]))
        pipeline.submit(plan(4, [publish("d"), .settle(.acknowledge)]))
        await run(pipeline)
        #expect(peer.trips.first == .publish(["a", "b", "c", "d"]))
        #expect(peer.trips.count == 3 && peer.trips.contains(.store(["x"])))
        #expect(peer.trips.contains(settled(.acknowledge, 1, 4)))
        #expect(ended.withLockedValue { $0 } == 4)
    }

    // MARK: Trouble

    @Test("of a refused batch are tried one by one; what is refused time and again is replaced, and its message parked")
    func refusal() async {
        let peer = TripRecorder { trip in
            if case .store(let ids) = trip, ids.contains("bad") { throw CeleriacError(.resultStore, "no") }
            return nil
        }
        let pipeline = pipeline(peer, timers: ImmediateTimers())
        pipeline.submit(plan(1, [store("good"), .settle(.acknowledge)]))
        pipeline.submit(plan(2, [store("bad"), publish("never"), .settle(.acknowledge)]))
        let refused = NIOLockedValueBox<[String]>([])
        await run(
            pipeline,
            instead: { plan, _ in
                refused.withLockedValue { $0.append(plan.taskID) }
                return [.store(ResultRecord(taskID: "failure", state: .failure, payload: []))]
            })
        let fault = MessageFault(
            reason: "resultNotStored", detail: String(describing: CeleriacError(.resultStore, "no")))
        #expect(
            peer.trips.prefix(5) == [
                .store(["good", "bad"]), .store(["good"]), .store(["bad"]), .store(["bad"]), .store(["bad"]),
            ])
        #expect(refused.withLockedValue { $0 } == ["task-2"])
        // The effects that follow for the accepted plan and for the refused one are independent.
        let rest = peer.trips.dropFirst(5)
        #expect(rest.filter { $0.settlements.isEmpty } == [.store(["failure"])])
        #expect(
            rest.flatMap(\.settlements) == [
                Settlement(Receipt(generation: 1, tag: 1), .acknowledge),
                Settlement(Receipt(generation: 1, tag: 2), .park(fault)),
            ])
        #expect(rest.last?.settlements.last?.receipt.tag == 2)
    }

    @Test("in place of refused ones leave out what is refused, too, and the rest goes on")
    func refusedAgain() async {
        let part = part
        let peer = TripRecorder { trip in
            if trip == .store(["bad"]) || trip == .store(["failure"]) { throw CeleriacError(.resultStore, "no") }
            if case .chord = trip { throw CeleriacError(.resultStore, "no") }
            return nil
        }
        let pipeline = pipeline(peer, timers: ImmediateTimers())
        pipeline.submit(plan(1, [store("bad"), publish("never"), .settle(.acknowledge)]))
        let (failure, body, errback) = (store("failure"), store("body"), publish("errback"))
        await run(
            pipeline,
            instead: { plan, _ in
                guard plan.isOfFailure else { return [failure, .chord(.add(part)), errback] }
                if case .chord? = plan.first { return [body] }
                return []
            })
        let fault = MessageFault(
            reason: "resultNotStored", detail: String(describing: CeleriacError(.resultStore, "no")))
        #expect(peer.trips.suffix(3) == [.store(["body"]), .publish(["errback"]), settled(.park(fault), 1)])
    }

    @Test("that the store refuses as it would any other wait until it takes them, and no message is parked")
    func refusalOfAll() async {
        let refusals = NIOLockedValueBox(6)
        let peer = TripRecorder { trip in
            guard case .store = trip else { return nil }
            let isRefused = refusals.withLockedValue { refusals in
                defer { refusals -= 1 }
                return refusals > 0
            }
            if isRefused { throw CeleriacError(.resultStore, "no", cause: RefusalOfAll()) }
            return nil
        }
        let pipeline = pipeline(peer, timers: ImmediateTimers())
        pipeline.submit(plan(1, [store("a"), .settle(.acknowledge)]))
        await run(pipeline)
        #expect(peer.trips.count == 8 && peer.trips.last == settled(.acknowledge, 1))
    }

    @Test("of a broker that refuses one kind of message are given up: others may be taken")
    func refusedRight() async {
        let peer = TripRecorder { trip in
            if case .publish = trip { throw CeleriacError(.publishFailed, "no", cause: RefusalOfAll()) }
            return nil
        }
        let pipeline = pipeline(peer, timers: ImmediateTimers())
        pipeline.submit(plan(1, [publish("a"), .settle(.acknowledge)]))
        await run(pipeline)
        guard case .park(let fault)? = peer.trips.last?.settlements.first?.disposition else {
            Issue.record("\(peer.trips)")
            return
        }
        #expect(fault.reason == "followUpNotPublished")
    }

    @Test("of which a broker took a part are published again without it")
    func partialPublish() async {
        let peer = TripRecorder { trip in
            if trip == .publish(["a", "b", "c", "d"]) {
                throw PartialPublishError(
                    refused: [1: CeleriacError(.publishFailed, "no")],
                    unknown: [3: CeleriacError(.unavailable, "away")])
            }
            return nil
        }
        let pipeline = pipeline(peer)
        pipeline.submit(plan(1, [publish("a", "b"), .settle(.acknowledge)]))
        pipeline.submit(plan(2, [publish("c"), .settle(.acknowledge)]))
        pipeline.submit(plan(3, [publish("d"), .settle(.acknowledge)]))
        await run(pipeline)
        #expect(
            peer.trips == [
                .publish(["a", "b", "c", "d"]), .publish(["b"]), .publish(["d"]), settled(.acknowledge, 1, 2, 3),
            ])
    }

    @Test("are not waited for after the last call where the other side is out of reach: messages are given back")
    func lastCall() async {
        let peer = TripRecorder { trip in
            if case .store = trip { throw CeleriacError(.unavailable, "away") }
            return nil
        }
        let pipeline = pipeline(peer)
        pipeline.submit(plan(1, [store("a"), .settle(.acknowledge)]))
        pipeline.submit(plan(2, [store("b"), .settle(.acknowledge)]))
        await run(pipeline) {
            await until { timers.count == 1 }
            pipeline.stopRetrying()
        }
        // Virtual time stood still all the while.
        #expect(
            peer.trips == [.store(["a", "b"]), .store(["a"]), .store(["a"]), settled(.requeue, 1, 2)])
    }

    @Test("of tasks that were acknowledged early make these fail at the last call, and the log tells of each")
    func lastCallOfAcknowledged() async {
        let log = LogRecorder()
        let peer = TripRecorder { trip in
            if case .publish = trip { throw CeleriacError(.unavailable, "away") }
            return nil
        }
        let pipeline = pipeline(peer, logger: log.logger)
        pipeline.submit(
            ["a", "b", "c"].map { id in
                Plan(receipt: nil, taskID: id, endsJob: false, effects: [publish(id), store("succeeded " + id)])
            })
        let instead: @Sendable (Plan, any Error) -> [Effect] = { plan, _ in
            [.store(ResultRecord(taskID: "failed " + plan.taskID, state: .failure, payload: []))]
        }
        await run(
            pipeline,
            meanwhile: {
                await until { timers.count == 1 }
                pipeline.stopRetrying()
            }, instead: instead)
        #expect(log.count("could not publish before the worker stops, and the message is settled") == 3)
        #expect(peer.trips.last == .store(["failed a", "failed b", "failed c"]))
    }

    // MARK: Chords

    @Test("of a completed chord come before the rest of the plan")
    func completion() async {
        let (part, claim) = (part, claim)
        let peer = TripRecorder { trip in
            guard trip == .chord([.add(part)]) else { return nil }
            return [ChordCompletion(claim: claim, parts: [[1]], group: nil)]
        }
        let pipeline = pipeline(peer)
        pipeline.submit(plan(1, [.chord(.add(part)), .settle(.acknowledge)]))
        await run(pipeline)
        #expect(
            peer.trips == [
                .chord([.add(part)]), .publish(["body of g"]), .chord([.close(claim, succeeded: true)]),
                settled(.acknowledge, 1),
            ])
    }

    @Test("of a message that came back say that its chord may have been completed before")
    func completionInDoubt() async {
        let peer = TripRecorder()
        let pipeline = pipeline(peer)
        pipeline.submit(plan(1, [.chord(.add(part)), .settle(.acknowledge)], redelivered: true))
        await run(pipeline)
        #expect(peer.trips == [.chord([.add(part.cameBack())]), settled(.acknowledge, 1)])
    }

    @Test(
        "of a chord that another worker has the claim on wait for it, out of the worker's way; the part is added again")
    func heldClaim() async {
        let (part, claim) = (part, claim)
        let peer = TripRecorder { trip in
            guard trip == .chord([.add(part)]) else { return nil }
            var completion = ChordCompletion(claim: claim, parts: [], group: nil)
            completion.heldFor = .seconds(21)
            return [completion]
        }
        let pipeline = pipeline(peer)
        pipeline.submit(plan(1, [.chord(.add(part)), .settle(.acknowledge)]))
        await run(pipeline) {
            await until { timers.count == 1 && ended.withLockedValue { $0 } == 1 }
            timers.advance(by: .seconds(21))
        }
        #expect(
            peer.trips == [.chord([.add(part)]), .chord([.add(part.addedAgain())]), settled(.acknowledge, 1)])
        #expect(ended.withLockedValue { $0 } == 1)
    }

    @Test("of chords are left out where the store does not count them")
    func uncounted() async {
        let peer = TripRecorder(countsChords: false)
        let pipeline = pipeline(peer)
        pipeline.submit(plan(1, [.chord(.add(part)), .settle(.acknowledge)]))
        await run(pipeline)
        #expect(peer.trips == [settled(.acknowledge, 1)])
    }

    // MARK: Pausing and calling

    @Test("pause for their time, or until the last call")
    func pause() async {
        let peer = TripRecorder()
        let pipeline = pipeline(peer)
        pipeline.submit(plan(1, [.pause(.seconds(60)), .settle(.requeue)]))
        pipeline.submit(plan(2, [.pause(.seconds(3600)), .settle(.requeue)]))
        await run(pipeline) {
            #expect(timers.count == 2 && peer.trips.isEmpty)
            timers.advance(by: .seconds(60))
            await until { peer.trips == [settled(.requeue, 1)] }
            pipeline.stopRetrying()
            // A pause that begins after that ends at once.
            pipeline.submit(plan(3, [.pause(.seconds(3600)), .settle(.requeue)]))
        }
        #expect(peer.trips.flatMap(\.settlements).map(\.receipt.tag) == [1, 2, 3] && timers.count == 0)
        #expect(ended.withLockedValue { $0 } == 3)
    }

    @Test("that give back are tried again, and need not wait for their time when the worker stops")
    func giveBack() async {
        let refusals = NIOLockedValueBox(1)
        let peer = TripRecorder { trip in
            let isRefused = refusals.withLockedValue { refusals in
                defer { refusals -= 1 }
                return refusals > 0
            }
            if isRefused { throw CeleriacError(.unavailable, "away") }
            return nil
        }
        let pipeline = pipeline(peer)
        pipeline.submit(plan(1, [.pause(.seconds(1)), .giveBack()]))
        pipeline.submit(plan(2, [.pause(.seconds(3600)), .giveBack()]))
        pipeline.submit(plan(3, [.pause(.seconds(3600)), .settle(.requeue)]))
        #expect(pipeline.asideCount == 3 && ended.withLockedValue { $0 } == 3)
        await run(pipeline) {
            timers.advance(by: .seconds(1))
            await until { peer.trips == [.giveBack([1])] && timers.count == 3 }
            pipeline.giveBackAside()
            await until { peer.trips.count == 2 }
            #expect(peer.trips.last == .giveBack([1, 2]) || peer.trips.last == .giveBack([2, 1]))
            #expect(pipeline.asideCount == 1)
            pipeline.stopRetrying()
        }
        #expect(peer.trips.last == settled(.requeue, 3) && ended.withLockedValue { $0 } == 3)
    }

    @Test("that give back to the end do so where the consumer can, and to the front elsewhere")
    func giveBackToEnd() async {
        for canYield in [true, false] {
            let peer = TripRecorder()
            let consumer: any MessageConsumer = canYield ? YieldingPeer(base: peer) : peer
            let pipeline = EffectPipeline(
                dialect: PlainDialect(), broker: peer, store: peer, consumer: consumer,
                held: HeldTasks(consumer: peer, timers: timers), timers: timers,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, onJobsEnded: { _ in })
            for tag: UInt64 in 1...4 { pipeline.submit(plan(tag, [.giveBack(toEnd: tag.isMultiple(of: 2))])) }
            await run(pipeline)
            // To the end is told by the number 0.
            #expect(
                peer.trips == (canYield ? [.giveBack([1, 3]), .giveBack([0, 2, 4])] : [.giveBack([1, 2, 3, 4])]))
        }
    }

    @Test("pause in the window when too many pause beside it")
    func crowdedPause() async {
        let peer = TripRecorder()
        let pipeline = pipeline(peer)
        for tag in 1...1001 { pipeline.submit(plan(UInt64(tag), [.pause(.seconds(1)), .giveBack()])) }
        #expect(pipeline.asideCount == 1000 && ended.withLockedValue { $0 } == 1000)
        await run(pipeline) { timers.advance(by: .seconds(1)) }
        #expect(ended.withLockedValue { $0 } == 1001)
    }

    @Test("call error callbacks in the worker, with the request that failed")
    func call() async {
        let peer = TripRecorder()
        let pipeline = pipeline(peer)
        let call = ErrorCall(
            name: "tell", failedID: "task-1", arguments: [1], keywordArguments: [:],
            failure: TaskFailure("ValueError", "no"))
        pipeline.submit(plan(1, [.call(call), .settle(.acknowledge)]))
        let calls = NIOLockedValueBox<[ErrorCall]>([])
        await run(
            pipeline,
            call: { call, plan in
                if plan.request?.id == "task-1" { calls.withLockedValue { $0.append(call) } }
            })
        #expect(calls.withLockedValue { $0 } == [call] && peer.trips == [settled(.acknowledge, 1)])
    }

    // MARK: Senders

    @Test("of a sender are states first, then messages, and chords in their place")
    func publication() async throws {
        let peer = TripRecorder()
        let record = { ResultRecord(taskID: $0, state: .pending, payload: []) }
        let message = { OutgoingMessage(message: WireMessage(), routingKey: $0) }
        try await EffectInterpreter(broker: peer, store: peer).carryOut(
            [
                .publish([message("a")]), .store(record("b")), .publish([message("b")]),
                .chord(.open(groupID: "g", size: 2)), .store(record("c")), .publish([message("c"), message("d")]),
                .store(record("e")), .publish([message("e")]),
            ], unconfirmed: 2)
        #expect(
            peer.trips == [
                .store(["b"]), .publish(["a", "b"]), .chord([.open(groupID: "g", size: 2)]), .store(["c", "e"]),
                .publish(["c", "d"]), .publish(["e"]),
            ])
    }

    @Test("of a sender end at the first that fails")
    func failedPublication() async throws {
        let peer = TripRecorder { trip in
            if case .store = trip { throw CeleriacError(.resultStore, "no") }
            return nil
        }
        let error = await #expect(throws: CeleriacError.self) {
            try await EffectInterpreter(broker: peer, store: peer).carryOut([
                .store(ResultRecord(taskID: "a", state: .pending, payload: [])),
                .publish([OutgoingMessage(message: WireMessage(), routingKey: "a")]),
            ])
        }
        #expect(error?.code == .resultStore && peer.trips == [.store(["a"])])
    }
}

/// A recorder that can give back to the end.
private struct YieldingPeer: YieldingConsumer {
    let base: TripRecorder

    func giveBackToEnd(_ receipts: [Receipt]) async throws {
        try await base.giveBack([Receipt(generation: 0, tag: 0)] + receipts)
    }
    func giveBack(_ receipts: [Receipt]) async throws { try await base.giveBack(receipts) }
    func next(atMost limit: Int) async throws -> [Delivery] { [] }
    func settle(_ settlements: [Settlement]) async throws { try await base.settle(settlements) }
    func stop() async {}
    func close() async throws {}
}

/// Timers that fire at once.
private struct ImmediateTimers: TimerSource {
    private struct Fired: RunningTimer {
        func cancel() {}
    }

    var now: Date { Date(timeIntervalSince1970: 0) }

    func schedule(after delay: Duration, _ action: @escaping @Sendable () -> Void) -> any RunningTimer {
        Task { action() }
        return Fired()
    }
}
