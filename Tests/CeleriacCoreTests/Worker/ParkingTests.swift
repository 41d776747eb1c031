import CeleriacTestKit
import CeleriacWire
import NIOConcurrencyHelpers
import TestSupport
import Testing

import struct FoundationEssentials.Date

@testable import CeleriacCore

/// What follows when a message is parked: its task has failed, so that its caller need not wait for ever.
@Suite("Parking", .timeLimit(.minutes(5))) struct ParkingTests {
    private let fault = MessageFault(reason: "undecodableBody", detail: "no id or name")

    private func parts(_ change: (inout WorkerConfiguration) -> Void = { _ in }) -> Parts {
        var configuration = WorkerConfiguration(queues: ["q"])
        change(&configuration)
        return Parts(configuration: configuration) {
            TaskHandler("work") { _ in .null }
            TaskHandler("ignored", options: TaskOptions(ignoresResult: true)) { _ in .null }
        }
    }

    // MARK: Effects

    @Test("of a task that was begun too often: it is parked, then its failure is stored if somebody wants it")
    func exhausted() throws {
        let parts = parts()
        for (id, task, ignores) in [("1", "work", nil), ("2", "work", true), ("3", "ignored", nil)] {
            let delivery = parts.delivery(#"{"id": "\#(id)", "name": "\#(task)"}"#, attempts: 5)
            let request = try parts.job(id, task: task) { $0.ignoresResult = ignores }.request
            parts.ledger.park(delivery, exhausted: request)
        }
        #expect(
            parts.submitted == [
                "1: park tooManyAttempts, store FAILURE", "2: park tooManyAttempts", "3: park tooManyAttempts",
            ])
        guard case .store(let record)? = parts.submittedPlans.first?.unsettledRest.first else {
            Issue.record("nothing is stored")
            return
        }
        let error = try PlainDialect().result(from: record.payload).error
        #expect(error?.type == "WorkerLost" && error?.arguments == ["5"])
    }

    @Test("of a message that cannot be read, if its id can: in the message, or in what the transport could read of it")
    func unreadable() {
        let parts = parts()
        parts.ledger.park(parts.delivery(#"{"id": "1"}"#), fault)
        var delivery = Delivery(content: .failure(fault), queue: "q", receipt: parts.consumer.deliver())
        parts.ledger.park(delivery, fault)
        delivery.remains = WireMessage(body: Array(#"{"id": "2"}"#.utf8))
        parts.ledger.park(delivery, fault)
        #expect(
            parts.submitted == [
                "1: park undecodableBody, store FAILURE", ": park undecodableBody",
                "2: park undecodableBody, store FAILURE",
            ])
    }

    @Test("of a message that another worker might run: only if the configuration says so", arguments: [false, true])
    func foreign(fails: Bool) {
        let parts = parts { $0.failsTasksOfUnacceptedContent = fails }
        var delivery = parts.delivery("")
        delivery.content = .success(WireMessage(headers: ["foreign": true], body: Array(#"{"id": "1"}"#.utf8)))
        parts.ledger.park(delivery, fault)
        #expect(parts.submitted == ["1: park undecodableBody" + (fails ? ", store FAILURE" : "")])
    }

    @Test("of an unknown task that the dialect parks without a word")
    func unknown() throws {
        let parts = Parts(dialect: PlainDialect(parksUnknownTasks: true)) { TaskHandler("work") { _ in .null } }
        parts.ledger.refuse(try parts.job().request, receipt: parts.consumer.deliver())
        #expect(parts.submitted == ["1: park unregistered, store FAILURE"])
    }

    @Test("of a message that cannot be published after the outcome was stored: the outcome stands, that task fails")
    func refusedMessage() throws {
        let parts = parts()
        let next = WireMessage(body: Array(#"{"id": "next", "name": "work"}"#.utf8))
        let part = ChordPart(groupID: "g", taskID: "1", index: 0, payload: [], expiry: nil)
        parts.ledger.finish(try parts.job(), .success(1))
        let stored = try #require(parts.submittedPlans.first)
        let plan = Plan(
            receipt: stored.receipt, taskID: "1", endsJob: true, request: stored.request, context: stored.context,
            effects: [
                .publish([OutgoingMessage(message: next, routingKey: "q")]), .chord(.add(part)), .settle(.acknowledge),
            ])
        let effects = parts.ledger.failure(of: plan, CeleriacError(.publishFailed, "no"))
        #expect(effects.map(Parts.words) == ["store FAILURE", "chord"])
        guard case .store(let record)? = effects.first else { return }
        #expect(record.taskID == "next")
    }

    // MARK: At a worker

    /// A store in memory that is out of reach, or refuses, as long as a test says.
    final class Store: ResultStore {
        let memory = MemoryResultStore()
        private let error = NIOLockedValueBox<CeleriacError?>(nil)

        init(error: CeleriacError? = nil) { fail(with: error) }

        var name: String { "store" }
        func fail(with error: CeleriacError?) { self.error.withLockedValue { $0 = error } }
        func store(_ records: [ResultRecord]) async throws {
            if let error = error.withLockedValue({ $0 }) { throw error }
            try await memory.store(records)
        }
        func fetch(_ taskIDs: [String]) async throws -> [[UInt8]?] {
            if let error = error.withLockedValue({ $0 }) { throw error }
            return try await memory.fetch(taskIDs)
        }
        func watch(_ taskIDs: [String], sink: any ResultSink) async throws {}
        func unwatch(_ taskIDs: [String]) {}
        func forget(_ taskIDs: [String]) async throws {}
    }

    /// Notes the tasks that have failed.
    private final class Failures: WorkerObserver {
        private let noted = NIOLockedValueBox<[String]>([])
        var ids: [String] { noted.withLockedValue { $0 } }
        var isListening: Bool { true }

        func observe(_ event: WorkerEvent, at time: Date) {
            if case .ended(let request, .failure, _) = event { noted.withLockedValue { $0.append(request.id) } }
        }
    }

    /// Serves messages by a worker that parks them at their first delivery.
    private func serve(
        _ bodies: [String], by bench: Bench, observer: any WorkerObserver,
        while body: @Sendable () async throws -> Void
    ) async throws {
        let worker = bench.worker(concurrency: 1, prefetchMultiplier: 1) {
            $0.maximumAttempts = 0
            $0.parksUnbegun = true
            $0.observers = [observer]
        } handlers: {
            TaskHandler("work") { _ in .null }
        }
        try await bench.memory.publish(
            bodies.map { OutgoingMessage(message: WireMessage(body: Array($0.utf8)), routingKey: "q") })
        try await bench.run(worker, body)
    }

    @Test("goes on while the store is out of reach, and the failures are stored later")
    func storeOutOfReach() async throws {
        let store = Store(error: CeleriacError(.unavailable, "away"))
        let (bench, failures) = (Bench(store: store), Failures())
        let bodies = (1...3).map { #"{"id": "\#($0)", "name": "work"}"# } + [#"{"id": "4"}"#]
        try await serve(bodies, by: bench, observer: failures) {
            // The worker holds one message at a time.
            await until { bench.memory.parked(from: "q").count == 4 }
            #expect(failures.ids.isEmpty)
            let early = try await store.memory.fetch(["1", "2", "3", "4"])
            #expect(early == [nil, nil, nil, nil])
            store.fail(with: nil)
            await until {
                bench.timers.advance(by: .seconds(1))
                return failures.ids.count == 4
            }
        }
        let stored = try await store.memory.fetch(["1", "2", "3", "4"])
        let types = try stored.map { try $0.map { try PlainDialect().result(from: $0).error?.type } ?? nil }
        #expect(types == ["WorkerLost", "WorkerLost", "WorkerLost", "Unrunnable"])
        #expect(failures.ids.sorted() == ["1", "2", "3", "4"])
    }

    @Test(
        "overwrites no outcome that is stored, and tells nobody of a failure then", arguments: ["SUCCESS", "FAILURE"])
    func answered(state: String) async throws {
        let store = Store()
        let (bench, failures) = (Bench(store: store), Failures())
        let payload = Array(#"{"id": "1", "state": "\#(state)", "value": ["ValueError"]}"#.utf8)
        try await store.store([ResultRecord(taskID: "1", state: TaskState(rawValue: state), payload: payload)])
        let begun = Array(#"{"id": "2", "state": "STARTED", "value": null}"#.utf8)
        try await store.store([ResultRecord(taskID: "2", state: .started, payload: begun)])
        try await serve(
            [#"{"id": "1", "name": "work"}"#, #"{"id": "2", "name": "work"}"#], by: bench, observer: failures
        ) {
            await until { failures.ids == ["2"] }
        }
        #expect(bench.memory.parked(from: "q").count == 2 && failures.ids == ["2"])
        let stored = try await store.fetch(["1", "2"])
        #expect(stored[0] == payload)
        #expect(try PlainDialect().result(from: try #require(stored[1])).state == .failure)
    }

    @Test(
        "of a task that has ended leaves its outcome as it is; what may not have followed from that follows",
        arguments: ["SUCCESS", "FAILURE", "REVOKED", "STARTED"])
    func answered(_ state: String) async throws {
        let stored = Array(#"{"id": "1", "state": "\#(state)", "value": ["Boom"]}"#.utf8)
        let peer = TripRecorder(stored: ["1": stored])
        let parts = parts()
        let told = Gate()
        let pipeline = pipeline(peer, peer)
        var delivery = parts.delivery(#"{"id": "1", "name": "work"}"#, attempts: 5)
        delivery.content = .success(WireMessage(headers: ["group": "g"], body: try delivery.content.get().body))
        parts.ledger.park(delivery, exhausted: try parts.intake().request(of: delivery))
        let plan = try #require(parts.submittedPlans.first)
        pipeline.submit(
            Plan(
                receipt: plan.receipt, taskID: "1", endsJob: true, request: plan.request, context: plan.context,
                effects: [try #require(plan.first)] + plan.unsettledRest, onEnd: { told.open() }))
        await run(pipeline) {}
        let fails = state == "STARTED"
        let part = ChordPart(
            groupID: "g", taskID: "1", index: 0, payload: Array((fails ? "FAILURE" : state).utf8), expiry: nil)
        // The message is parked once all have been told.
        #expect(peer.trips.last?.settlements.count == 1)
        #expect(
            Array(peer.trips.dropLast())
                == (fails ? [.store(["1"])] : []) + (state == "REVOKED" ? [] : [.chord([.add(part)])]))
        #expect(told.isOpen == fails)
    }

    // MARK: In the pipeline

    private func pipeline(
        _ consumer: any MessageConsumer, _ store: any ResultStore, timers: VirtualTimers = VirtualTimers(),
        log: LogRecorder = LogRecorder(), onJobsEnded: @escaping @Sendable (Int) -> Void = { _ in }
    ) -> EffectPipeline {
        EffectPipeline(
            dialect: PlainDialect(), broker: MemoryBroker(), store: store, consumer: consumer,
            held: HeldTasks(consumer: consumer, timers: timers), timers: timers, logger: log.logger,
            onJobsEnded: onJobsEnded)
    }

    private func plan(_ tag: UInt64, then rest: [Effect] = [], onEnd: (@Sendable () -> Void)? = nil) -> Plan {
        let payload = Array(#"{"id": "\#(tag)", "state": "FAILURE", "value": ["WorkerLost", "5"]}"#.utf8)
        return Plan(
            receipt: Receipt(generation: 1, tag: tag), taskID: "\(tag)", endsJob: true,
            context: Parts { TaskHandler("work") { _ in .null } }.ledger.effectContext(
                TaskOptions(), storesResult: true),
            effects: [
                .settle(.park(fault)), .store(ResultRecord(taskID: "\(tag)", state: .failure, payload: payload)),
            ] + rest, onEnd: onEnd)
    }

    private func run(
        _ pipeline: EffectPipeline, call: @escaping @Sendable (ErrorCall) -> Void = { _ in },
        while body: () async -> Void
    ) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await pipeline.run(instead: { _, _ in [] }, call: { errorCall, _ in call(errorCall) }) }
            await body()
            await pipeline.drain()
            pipeline.close()
        }
    }

    @Test("that did not reach the broker tells nobody, if nobody was told before: the message comes back")
    func lost() async throws {
        // The store answers when it is too late.
        let store = Store(error: CeleriacError(.unavailable, "away"))
        let consumer = LosingConsumer { store.fail(with: nil) }
        let pipeline = pipeline(consumer, store)
        let told = Gate()
        for tag: UInt64 in 1...2 { pipeline.submit(plan(tag) { told.open() }) }
        await run(pipeline) {}
        #expect(!told.isOpen)
        let stored = try await store.fetch(["1", "2"])
        #expect(stored == [nil, nil])
    }

    @Test("tells first, so that a process that ends before it parks tells again what it has told, and then parks")
    func toldFirst() async throws {
        let store = Store()
        let consumer = ParkingRecorder { try await store.fetch(["1"])[0] != nil }
        let told = NIOLockedValueBox(0)
        for isFirst in [true, false] {
            let pipeline = pipeline(consumer, store)
            pipeline.submit(plan(1) { told.withLockedValue { $0 += 1 } })
            await run(pipeline) {}
            #expect(told.withLockedValue { $0 } == (isFirst ? 1 : 2))
        }
        // Each time the failure was stored before, which the parked message says.
        #expect(consumer.parked.map(\.isTold) == [true, true])
        #expect(consumer.parked.map(\.fault.failureIsStored) == [true, true])
    }

    @Test("tells nobody of a message that is another worker's by now", arguments: [false, true])
    func notOwned(isStoreAway: Bool) async throws {
        let store = Store(error: isStoreAway ? CeleriacError(.unavailable, "away") : nil)
        let consumer = ParkingRecorder(canPark: isStoreAway, isOwner: false) {
            store.fail(with: nil)
            return false
        }
        let pipeline = pipeline(consumer, store)
        let told = Gate()
        pipeline.submit(plan(1) { told.open() })
        await run(pipeline) {}
        #expect(consumer.parked.isEmpty && !told.isOpen)
        let stored = try await store.fetch(["1"])
        #expect(stored == [nil])
    }

    @Test("without a store tells later, says so, and holds places in the window past a bound")
    func aside() async throws {
        let store = Store(error: CeleriacError(.unavailable, "away"))
        let consumer = ParkingRecorder { false }
        let (ended, told) = (NIOLockedValueBox(0), NIOLockedValueBox(0))
        let pipeline = pipeline(consumer, store) { count in ended.withLockedValue { $0 += count } }
        let count = EffectPipeline.mostKeptAside + 5
        for tag in 1...UInt64(count) { pipeline.submit(plan(tag) { told.withLockedValue { $0 += 1 } }) }
        await run(pipeline) {
            await until { consumer.parked.count == count }
            await until { ended.withLockedValue { $0 } == EffectPipeline.mostKeptAside }
            #expect(told.withLockedValue { $0 } == 0)
            store.fail(with: nil)
            pipeline.stopRetrying()
        }
        #expect(consumer.parked.allSatisfy { $0.fault.failureIsStored == false })
        #expect(ended.withLockedValue { $0 } == count && told.withLockedValue { $0 } == count)
    }

    @Test("gives the message back if the worker stops while the store is away, so that the next worker can tell")
    func stopped() async throws {
        let store = Store(error: CeleriacError(.unavailable, "away"))
        let consumer = ParkingRecorder { false }
        let pipeline = pipeline(consumer, store)
        let told = Gate()
        pipeline.stopRetrying()
        pipeline.submit(plan(1) { told.open() })
        await run(pipeline) {}
        #expect(consumer.parked.isEmpty && consumer.requeued == 1 && !told.isOpen)
    }

    private let call = Effect.call(
        ErrorCall(
            name: "callback", failedID: "1", arguments: [], keywordArguments: [:],
            failure: TaskFailure("WorkerLost", "")))

    /// What a consumer has noted when error callbacks are called.
    private func atCalls(_ calls: Plan.Calls, mark: ParkingRecorder.Mark = .counted) async throws -> (
        parked: [Int], marked: [Int], consumer: ParkingRecorder, isTold: Bool
    ) {
        let store = Store()
        let consumer = ParkingRecorder(mark: mark) { try await store.fetch(["1"])[0] != nil }
        let pipeline = pipeline(consumer, store)
        let (parked, marked) = (NIOLockedValueBox<[Int]>([]), NIOLockedValueBox<[Int]>([]))
        let told = Gate()
        pipeline.submit(plan(1, then: [call, call]) { told.open() }.calling(calls))
        await run(pipeline) { _ in
            parked.withLockedValue { $0.append(consumer.parked.count) }
            marked.withLockedValue { $0.append(consumer.marked) }
        } while: {
        }
        let isStored = try await store.fetch(["1"])[0] != nil
        #expect(isStored)
        return (parked.withLockedValue { $0 }, marked.withLockedValue { $0 }, consumer, told.isOpen)
    }

    @Test("calls error callbacks while the worker holds the message, so that a crash loses no call")
    func callsBefore() async throws {
        let found = try await atCalls(.held)
        #expect(found.parked == [0, 0] && found.marked == [0, 0] && found.isTold)
        #expect(found.consumer.parked.map(\.isTold) == [true])
        #expect(found.consumer.parked.map(\.fault.failureIsStored) == [true])
    }

    @Test("counts, once, that error callbacks are called for a message that has come back")
    func countsCalls() async throws {
        let found = try await atCalls(.counted)
        #expect(found.parked == [0, 0] && found.marked == [1, 1] && found.isTold)
        #expect(found.consumer.parked.count == 1)
    }

    @Test("calls nobody if the count has the message delivered again")
    func countsByMoving() async throws {
        let found = try await atCalls(.counted, mark: .moved)
        #expect(found.parked.isEmpty && found.consumer.parked.isEmpty && !found.isTold)
    }

    @Test("parks a message before its error callbacks if it has come back too often, or if nobody can count")
    func callsAfter() async throws {
        for (calls, mark) in [(Plan.Calls.afterParking, ParkingRecorder.Mark.counted), (.counted, .refused)] {
            let found = try await atCalls(calls, mark: mark)
            #expect(found.parked == [1, 1] && found.isTold)
            #expect(found.consumer.parked.map(\.isTold) == [true])
            #expect(found.consumer.parked.map(\.fault.failureIsStored) == [true])
        }
    }

    @Test("gives up to call error callbacks before when the message has come back twice meanwhile")
    func limitsCalls() throws {
        let parts = parts()
        let request = try parts.job().request
        for (attempts, redelivered, excess) in [
            (0, false, -5), (5, false, 0), (5, true, 0), (6, true, 1), (7, true, 2),
        ] {
            var delivery = parts.delivery(#"{"id": "1", "name": "work"}"#, attempts: attempts)
            delivery.redelivered = redelivered
            parts.ledger.park(delivery, exhausted: request, excess: excess)
        }
        for (attempts, redelivered) in [(0, false), (1, true), (2, true)] {
            var delivery = parts.delivery(#"{"id": "1"}"#, attempts: attempts)
            delivery.redelivered = redelivered
            parts.ledger.park(delivery, fault)
        }
        var unread = Delivery(content: .failure(fault), queue: "q", receipt: parts.consumer.deliver())
        unread.remains = WireMessage(body: Array(#"{"id": "1"}"#.utf8))
        parts.ledger.park(unread, fault)
        #expect(
            parts.submittedPlans.map(\.calls) == [
                .held, .held, .counted, .counted, .afterParking, .held, .counted, .afterParking, .afterParking,
            ])
        // The caller is told the same each time.
        let details = parts.submittedPlans.dropFirst().prefix(4).map { plan in
            guard case .settle(.park(let fault))? = plan.first else { return "" }
            return fault.detail
        }
        #expect(Set(details) == ["begun 5 times after it had come back, without having ended"])
    }

    @Test("an error callback of a worker runs before the message is parked")
    func workerCalls() async throws {
        let bench = Bench()
        let seen = NIOLockedValueBox<[Int]>([])
        let worker = bench.worker {
            $0.maximumAttempts = 0
            $0.parksUnbegun = true
        } handlers: {
            TaskHandler("work") { _ in .null }
            TaskHandler(errorCallback: "report") { _, _ in
                seen.withLockedValue { $0.append(bench.memory.parked(from: "q").count) }
            }
        }
        let message = WireMessage(headers: ["errback": "report"], body: Array(#"{"id": "1", "name": "work"}"#.utf8))
        try await bench.memory.publish([OutgoingMessage(message: message, routingKey: "q")])
        try await bench.run(worker) { await until { bench.memory.parked(from: "q").count == 1 } }
        #expect(seen.withLockedValue { $0 } == [0])
    }

    @Test("is tried again while the worker holds the message, so that the broker counts no give-backs")
    func triedAgain() async throws {
        let store = Store()
        let refusals = NIOLockedValueBox(3)
        let consumer = ParkingRecorder {
            let isRefused = refusals.withLockedValue { left in
                left -= 1
                return left >= 0
            }
            if isRefused { throw CeleriacError(.unavailable, "out of memory") }
            return true
        }
        let (timers, log) = (VirtualTimers(), LogRecorder())
        let pipeline = pipeline(consumer, store, timers: timers, log: log)
        let told = NIOLockedValueBox(0)
        pipeline.submit(plan(1) { told.withLockedValue { $0 += 1 } })
        await run(pipeline) {
            await until { log.count("could not park messages yet") == 1 }
            #expect(log.count("message parked") == 0)
            await until {
                timers.advance(by: .seconds(1))
                return consumer.parked.count == 1
            }
        }
        #expect(refusals.withLockedValue { $0 } == -1 && consumer.requeued == 0)
        #expect(told.withLockedValue { $0 } == 1)
        #expect(log.lines(of: "message parked").map { $0.metadata["failure"] } == ["stored"])
    }

    @Test("tells of the rest if one effect is refused again and again")
    func refused() async throws {
        let store = Store(error: CeleriacError(.configuration, "no permission"))
        let consumer = ParkingRecorder { false }
        let timers = VirtualTimers()
        let pipeline = pipeline(consumer, store, timers: timers)
        let called = Gate()
        pipeline.submit(plan(1, then: [call]))
        await run(pipeline, call: { _ in called.open() }) {
            await until {
                timers.advance(by: .seconds(10))
                return called.isOpen
            }
        }
        #expect(consumer.parked.map(\.fault.failureIsStored) == [false])
    }

    /// A consumer that notes what it parks, and whether the callers had been told by then.
    private final class ParkingRecorder: ParkingConsumer {
        private struct State {
            var parked: [(fault: MessageFault, isTold: Bool)] = []
            var requeued = 0
            var marked = 0
            var isHeld = true
        }
        /// What becomes of a message when the worker marks that it begins.
        enum Mark { case counted, moved, refused }
        private let canPark: Bool
        private let isOwner: Bool
        private let mark: Mark
        private let isTold: @Sendable () async throws -> Bool
        private let state = NIOLockedValueBox(State())

        init(
            canPark: Bool = true, isOwner: Bool = true, mark: Mark = .counted,
            isTold: @escaping @Sendable () async throws -> Bool
        ) {
            self.mark = mark
            self.canPark = canPark
            self.isOwner = isOwner
            self.isTold = isTold
        }

        var parked: [(fault: MessageFault, isTold: Bool)] { state.withLockedValue { $0.parked } }
        var requeued: Int { state.withLockedValue { $0.requeued } }

        var marked: Int { state.withLockedValue { $0.marked } }

        func isHeld(_ receipt: Receipt) -> Bool { state.withLockedValue { $0.isHeld } }
        func markBegun(_ receipts: [Receipt]) async throws {
            if mark == .refused { throw CeleriacError(.unavailable, "away") }
            state.withLockedValue { state in
                state.marked += receipts.count
                if mark == .moved { state.isHeld = false }
            }
        }
        func canPark(_ receipts: [Receipt]) async -> [Bool] { receipts.map { _ in canPark } }
        func park(_ receipt: Receipt, for fault: MessageFault) async throws -> Bool {
            try await settle([Settlement(receipt, .park(fault))])
            return isOwner
        }
        func settle(_ settlements: [Settlement]) async throws {
            for settlement in settlements {
                switch settlement.disposition {
                case .park(let fault):
                    let isTold = try await isTold()
                    if isOwner { state.withLockedValue { $0.parked.append((fault, isTold)) } }
                default: state.withLockedValue { $0.requeued += 1 }
                }
            }
        }
        func next(atMost limit: Int) async throws -> [Delivery] { [] }
        func stop() async {}
        func close() async throws {}
    }

    /// A consumer whose connection is lost while it settles. It had lost its second delivery before.
    private final class LosingConsumer: MessageConsumer {
        private let onSettling: @Sendable () -> Void
        private let held = NIOLockedValueBox<Set<UInt64>>([1])

        init(onSettling: @escaping @Sendable () -> Void) { self.onSettling = onSettling }

        func isHeld(_ receipt: Receipt) -> Bool { held.withLockedValue { $0.contains(receipt.tag) } }
        func settle(_ settlements: [Settlement]) async throws {
            held.withLockedValue { $0 = [] }
            onSettling()
            throw CeleriacError(.unavailable, "away")
        }
        func next(atMost limit: Int) async throws -> [Delivery] { [] }
        func stop() async {}
        func close() async throws {}
    }
}
