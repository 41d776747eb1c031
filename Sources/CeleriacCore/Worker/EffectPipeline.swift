import Logging
import NIOConcurrencyHelpers
import Synchronization

/// Carries out the plans of a worker.
///
/// Each kind of effect has a lane. A lane carries out everything that waits in it in one round trip, and then each plan
/// moves on to the lane of its next effect. So the effects of a plan keep their order, and plans share round trips.
final class EffectPipeline: Sendable {
    /// The lanes, by what they do.
    enum Kind: Int, CaseIterable {
        case publish, store, count, call, settle, giveBack
        /// Stores and counts for plans that tell somebody of a message before they park it. It never waits for a store.
        case tell
    }

    private let lanes: [Lane<Plan>] = Kind.allCases.map { _ in Lane() }
    /// How many plans may pause without a place in the worker's window.
    static let mostKeptAside = 1000
    /// The plans that pause, each with its timer.
    private let pausing = NIOLockedValueBox<[UInt64: (plan: Plan, timer: any RunningTimer)]>([:])
    private let lastPause = Atomic<UInt64>(0)
    private let aside = Atomic<Int>(0)
    private let underWay = NIOLockedValueBox((count: 0, drained: Gate?.none))
    /// The messages of tasks that have ended, and that go back since their outcomes did not get through, and how many of them
    /// were told.
    private let returned = NIOLockedValueBox((receipts: Set<Receipt>(), told: 0))
    /// Once this is open the pipeline tries nothing again: it gives back the messages of plans that it cannot carry
    /// out.
    let lastCall = Gate()

    let dialect: any Dialect
    let interpreter: EffectInterpreter
    let consumer: any MessageConsumer
    /// The consumer, if other workers may restore what it claims.
    let claiming: (any ClaimingConsumer)?
    let held: HeldTasks
    let timers: any TimerSource
    let logger: Logger
    /// Notices when the result store is out of reach; nil without a store.
    let watch: ResultStoreWatch?
    /// How many outcomes the lanes that ask the store have in hand.
    private let inHand = Atomic<Int>(0)
    /// What those want to know who look after parked messages.
    let parkingNews = ParkingNews()
    /// Counts parked messages; nil where nobody counts them.
    let metrics: WorkerMetrics?
    /// Called with the number of jobs whose plans are done.
    private let onJobsEnded: @Sendable (Int) -> Void

    init(
        dialect: any Dialect,
        broker: any MessageBroker,
        store: (any ResultStore)?,
        consumer: any MessageConsumer,
        held: HeldTasks,
        timers: any TimerSource,
        logger: Logger,
        watch: ResultStoreWatch? = nil,
        metrics: WorkerMetrics? = nil,
        onJobsEnded: @escaping @Sendable (Int) -> Void
    ) {
        self.dialect = dialect
        self.interpreter = EffectInterpreter(broker: broker, store: store)
        self.consumer = consumer
        self.claiming = consumer as? any ClaimingConsumer
        self.held = held
        self.timers = timers
        self.logger = logger
        self.watch = watch
        self.metrics = metrics
        self.onJobsEnded = onJobsEnded
    }

    /// How many plans are not done.
    var count: Int { underWay.withLockedValue { $0.count } }

    func submit(_ plan: Plan) { submit([plan]) }

    /// Submits plans that share their round trips from the beginning.
    func submit(_ plans: [Plan]) {
        for plan in plans where plan.isOfParked { parkingNews.begin(plan.taskID) }
        underWay.withLockedValue { $0.count += plans.count }
        forward(plans)
    }

    /// How many outcomes wait for the result store.
    var waitingForStore: Int {
        [Kind.store, .count].reduce(inHand.load(ordering: .relaxed)) { count, kind in
            count + lanes[kind.rawValue].count { $0.isOutcome }
        }
    }

    /// Lets one more plan of a parked message take no place in the worker's window, unless there are too many already.
    ///
    /// - Returns: whether it may.
    func keepAside() -> Bool {
        if aside.add(1, ordering: .relaxed).newValue <= Self.mostKeptAside { return true }
        aside.subtract(1, ordering: .relaxed)
        return false
    }

    /// Sends results again that a store does not keep, after the connection to the broker was lost. Their callers may
    /// have lost theirs too, and come back after the worker: a client's pauses between its tries grow to five seconds.
    func answerAgain(_ answers: [ResultRecord]) {
        for answer in answers {
            submit(
                Plan(
                    receipt: nil, taskID: answer.taskID, endsJob: false,
                    effects: [.pause(.seconds(1)), .store(answer), .pause(.seconds(6)), .store(answer)]))
        }
    }

    /// Runs the lanes until ``close()``.
    ///
    /// - Parameters:
    ///   - instead: the effects to carry out in place of those of a plan that are refused again and again, before its
    ///     message is parked. They make the task fail.
    ///   - call: calls an error callback of the worker. The callback is a handler, so it does not run on an event loop.
    func run(
        instead: @escaping @Sendable (Plan, any Error) -> [Effect],
        call: @escaping @Sendable (ErrorCall, Plan) async -> Void
    ) async {
        await withTaskGroup(of: Void.self) { group in
            for kind in Kind.allCases {
                let executor: (any TaskExecutor)? = kind == .call ? globalConcurrentExecutor : nil
                group.addTask(executorPreference: executor) {
                    while case let plans = await self.lanes[kind.rawValue].take(), !plans.isEmpty {
                        let asksStore = self.watch != nil && (kind == .store || kind == .count)
                        let outcomes = asksStore ? plans.count { $0.isOutcome } : 0
                        if outcomes > 0 { self.inHand.add(outcomes, ordering: .relaxed) }
                        let next = await self.carryOut(kind, plans, instead: instead, call: call)
                        if outcomes > 0 {
                            self.inHand.subtract(outcomes, ordering: .relaxed)
                            self.watch?.passed(outcomes)
                        }
                        self.forward(next)
                    }
                }
            }
        }
    }

    /// Notes that the messages of tasks go back which have ended, and which will therefore run again.
    func noteReturned(_ receipts: [Receipt]) { returned.withLockedValue { $0.receipts.formUnion(receipts) } }

    /// How many messages go back although their tasks have ended.
    var returnedCount: Int { returned.withLockedValue { $0.receipts.count } }

    /// How many have been added to them since the last call.
    func newlyReturned() -> Int {
        returned.withLockedValue { returned in
            defer { returned.told = returned.receipts.count }
            return returned.receipts.count - returned.told
        }
    }

    /// Waits until all submitted plans are done.
    func drain() async {
        let gate = underWay.withLockedValue { state in
            if state.count == 0 { return nil as Gate? }
            let gate = state.drained ?? Gate()
            state.drained = gate
            return gate
        }
        await gate?.wait()
    }

    /// From now on tries nothing twice, and lets no plan pause.
    func stopRetrying() {
        lastCall.open()
        let paused = pausing.withLockedValue { pausing in
            defer { pausing = [:] }
            return pausing.sorted { $0.key < $1.key }.map(\.value)
        }
        for (_, timer) in paused { timer.cancel() }
        forward(paused.map { $0.plan.advanced() })
    }

    func close() {
        for lane in lanes { lane.close() }
    }

    /// How many plans pause whose messages the worker holds beyond its window.
    var asideCount: Int { pausing.withLockedValue { $0.count { !$1.plan.endsJob && $1.plan.receipt != nil } } }

    /// Gives back at once what pauses only to be given back.
    func giveBackAside() {
        let paused = pausing.withLockedValue { pausing in
            let ending = pausing.filter { if case .giveBack? = $1.plan.advanced().first { true } else { false } }
            for id in ending.keys { pausing[id] = nil }
            return ending.sorted { $0.key < $1.key }.map(\.value)
        }
        for (_, timer) in paused { timer.cancel() }
        forward(paused.map { $0.plan.advanced() })
    }

    // MARK: From lane to lane

    private func forward(_ plans: [Plan]) {
        guard let kind = plans.first?.kind else { return leave(plans) }
        // Usually all plans of a batch go to the same lane, and then the batch goes as it is.
        if plans.allSatisfy({ $0.kind == kind }) { return lanes[kind.rawValue].put(contentsOf: plans) }
        var batches = [[Plan]](repeating: [], count: lanes.count)
        var others: [Plan] = []
        for plan in plans {
            if let kind = plan.kind { batches[kind.rawValue].append(plan) } else { others.append(plan) }
        }
        for (lane, batch) in zip(lanes, batches) { lane.put(contentsOf: batch) }
        leave(others)
    }

    /// Takes plans out of the lanes: those that pause, for a while, and those that are done.
    private func leave(_ plans: [Plan]) {
        var done = 0
        var endedJobs = 0
        var returning: [Plan] = []
        for plan in plans {
            if plan.kind != nil {
                returning.append(plan)
                continue
            }
            guard case .pause(let duration)? = plan.first else {
                if plan.endsJob { endedJobs += 1 }
                if plan.isAside { aside.subtract(1, ordering: .relaxed) }
                done += 1
                plan.onEnd?()
                if plan.isOfParked { parkingNews.end(plan.taskID) }
                continue
            }
            // A pausing plan takes no place in the worker's window, unless there are so many that the worker should
            // rather take no more messages.
            if plan.endsJob, pausing.withLockedValue({ $0.count < Self.mostKeptAside }) {
                endedJobs += 1
                pause(plan.keptAside(), for: duration)
            } else {
                pause(plan, for: duration)
            }
        }
        if endedJobs > 0 { onJobsEnded(endedJobs) }
        if done > 0 {
            let drained = underWay.withLockedValue { state in
                state.count -= done
                guard state.count == 0 else { return nil as Gate? }
                defer { state.drained = nil }
                return state.drained
            }
            drained?.open()
        }
        if !returning.isEmpty { forward(returning) }
    }

    private func pause(_ plan: Plan, for duration: Duration) {
        let id = lastPause.add(1, ordering: .relaxed).newValue
        // Under the lock, so that the timer is known before it can fire, and so that no pause begins after the last
        // call.
        let isPaused = pausing.withLockedValue { pausing in
            guard !lastCall.isOpen else { return false }
            pausing[id] = (
                plan,
                timers.schedule(after: duration) {
                    if let (plan, _) = self.pausing.withLockedValue({ $0.removeValue(forKey: id) }) {
                        self.forward([plan.advanced()])
                    }
                }
            )
            return true
        }
        if !isPaused { forward([plan.advanced()]) }
    }
}
