import CeleriacTestKit
import CeleriacWire
import FoundationEssentials
import Logging
import NIOConcurrencyHelpers

@testable import CeleriacCore

/// The parts of a worker's session, in virtual time and without a broker. Plans that the ledger submits are only
/// recorded.
struct Parts: Sendable {
    let timers = VirtualTimers()
    let consumer = FakeConsumer()
    let store = MemoryResultStore()
    let pool: WorkerPool
    let held: HeldTasks
    let waiting: WaitingRoom
    let postponing: Postponing
    let revokedTasks = RevokedTasks()
    let ledger: Ledger
    let runner: TaskRunner
    let revocations: Revocations
    let registrations: [String: TaskRegistration]
    private let plans = NIOLockedValueBox<[Plan]>([])
    private let dialect: PlainDialect

    init(
        concurrency: Int = 1, prefetchMultiplier: Int = 4, configuration: WorkerConfiguration? = nil,
        observers: [any WorkerObserver] = [], dialect: PlainDialect = PlainDialect(),
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        @TaskHandlerBuilder handlers: () -> [TaskHandler]
    ) {
        let handlers = Dictionary(handlers().map { ($0.name, $0) }) { $1 }
        let (timers, plans) = (timers, plans)
        self.dialect = dialect
        let told = Observers(observers, timers: timers)
        let retryPolicy = dialect.retryPolicy
        registrations = handlers.mapValues { TaskRegistration($0, retryPolicy: retryPolicy) }
        pool = WorkerPool(
            concurrency: concurrency, prefetchMultiplier: prefetchMultiplier, blocks: false, stopping: Gate())
        held = HeldTasks(consumer: consumer, timers: timers)
        waiting = WaitingRoom(
            held: held, capacity: pool.capacity, jobs: pool.jobs, timers: timers, logger: logger)
        postponing = Postponing(consumer: consumer, capacity: pool.capacity, revokedTasks: revokedTasks)
        ledger = Ledger(
            dialect: dialect, store: store, registrations: registrations, nodeName: "w@test", resultExpiry: nil,
            errorHandlers: [], failsTasksOfUnacceptedContent: configuration?.failsTasksOfUnacceptedContent == true,
            observers: told,
            timers: timers, logger: logger,
            publication: {
                PublicationContext(
                    now: timers.now, replyTo: "", defaultQueue: "q", routes: [:], countsChords: false, resultExpiry: nil
                )
            },
            submit: { plan in plans.withLockedValue { $0.append(plan) } })
        runner = TaskRunner(
            dialect: dialect, handlers: handlers, nodeName: "w@test",
            configuration: configuration ?? WorkerConfiguration(queues: ["q"]), client: nil, store: store,
            consumer: consumer, held: held, revokedTasks: revokedTasks, waiting: waiting, blockingExecutor: nil,
            ledger: ledger,
            observers: told, timers: timers, logger: logger)
        revocations = Revocations(
            tasks: revokedTasks, waiting: waiting, slots: pool.slots, ledger: ledger, timers: timers)
    }

    func intake(maximumAttempts: Int = 5, acknowledgement: TaskOptions.Acknowledgement = .late) -> Intake {
        Intake(
            dialect: dialect, registrations: registrations, revokedTasks: revokedTasks,
            acknowledgement: acknowledgement, maximumAttempts: maximumAttempts)
    }

    /// A job of a registered task, whose message the consumer holds.
    func job(
        _ id: String = "1", task: String = "work", acknowledgesEarly: Bool = false, redelivered: Bool = false,
        body: String = "[]", change: (inout TaskRequest) -> Void = { _ in }
    ) throws -> Job {
        guard let registration = registrations[task] else { throw CeleriacError(.configuration, "no task \(task)") }
        var request = TaskRequest(
            id: id, name: task, arguments: [], keywordArguments: [:], headers: [:], queue: "q",
            redelivered: redelivered,
            message: PlainMessage(WireMessage(body: Array(#"{"id": "\#(id)", "name": "\#(task)"}"#.utf8))))
        change(&request)
        return Job(
            request: request, registration: registration, receipt: consumer.deliver(),
            body: Array(body.utf8), acknowledgesEarly: acknowledgesEarly)
    }

    /// A delivery with this JSON as its body.
    func delivery(_ body: String, attempts: Int = 0) -> Delivery {
        Delivery(
            content: .success(WireMessage(body: Array(body.utf8))), queue: "q", attempts: attempts,
            receipt: consumer.deliver())
    }

    /// The plans that were submitted, each as its task and its effects in words.
    var submitted: [String] {
        plans.withLockedValue { $0 }.map { plan in
            var (plan, words) = (plan, [String]())
            while let effect = plan.first {
                words.append(Self.words(effect))
                plan.advance()
            }
            return "\(plan.taskID): \(words.joined(separator: ", "))"
        }
    }

    /// The plans that were submitted.
    var submittedPlans: [Plan] { plans.withLockedValue { $0 } }

    static func words(_ effect: Effect) -> String {
        switch effect {
        case .publish(let messages): "publish \(messages.count)"
        case .store(let record): "store \(record.state)"
        case .chord: "chord"
        case .call(let call): "call \(call.name)"
        case .settle(.park(let fault)): "park \(fault.reason)"
        case .settle(let disposition): "\(disposition)"
        case .giveBack: "give back"
        case .pause: "pause"
        }
    }

    /// The jobs that are ready to run.
    var ready: [String] { pool.jobs.waiting.map(\.request.id) }
}

/// A consumer that delivers nothing by itself and records the calls that it gets.
final class FakeConsumer: PostponingConsumer, LosingConsumer {
    private struct State {
        var generation: UInt64 = 1
        var lastTag: UInt64 = 0
        var held: Set<Receipt> = []
        var lost: Set<Receipt> = []
        var begun: [Receipt] = []
        var holds: [Int] = []
        var markError: (any Error & Sendable)?
        var movesMarked = false
        var longestHold: Duration?
        var isTaking = true
        var postponed: [Postponement] = []
        var lossAction: (@Sendable () -> Void)?
    }
    private let state = NIOLockedValueBox(State())

    /// The receipt of a new delivery.
    func deliver() -> Receipt {
        state.withLockedValue { state in
            state.lastTag += 1
            let receipt = Receipt(generation: state.generation, tag: state.lastTag)
            state.held.insert(receipt)
            return receipt
        }
    }

    /// Loses the connection, and with it everything that was delivered.
    func lose() {
        let action = state.withLockedValue { state in
            state.held = []
            state.generation += 1
            return state.lossAction
        }
        action?()
    }

    func onLoss(_ action: (@Sendable () -> Void)?) { state.withLockedValue { $0.lossAction = action } }

    /// Lets a claim expire without the worker's knowing.
    func expire(_ receipt: Receipt) { state.withLockedValue { _ = $0.lost.insert(receipt) } }

    /// Makes every later call of `markBegun` fail.
    func refuseMarks(with error: any Error & Sendable) { state.withLockedValue { $0.markError = error } }

    /// Lets go of what is marked from now on, as if it were moved to be delivered again.
    func moveMarked() { state.withLockedValue { $0.movesMarked = true } }

    /// Copies messages whose times are further away than this from now on, or answers that it could not.
    func hold(atMost longest: Duration?, isTaking: Bool = true) {
        state.withLockedValue { state in
            state.longestHold = longest
            state.isTaking = isTaking
        }
    }

    var longestHold: Duration? { state.withLockedValue { $0.longestHold } }
    var postponed: [Postponement] { state.withLockedValue { $0.postponed } }

    func postpone(_ postponements: [Postponement]) async -> [Bool] {
        state.withLockedValue { state in
            state.postponed += postponements
            return postponements.map { _ in state.isTaking }
        }
    }

    var begun: [Receipt] { state.withLockedValue { $0.begun } }
    var holds: [Int] { state.withLockedValue { $0.holds } }

    func isHeld(_ receipt: Receipt) -> Bool { state.withLockedValue { $0.held.contains(receipt) } }

    func hasLost(_ receipt: Receipt) async -> Bool { state.withLockedValue { $0.lost.contains(receipt) } }

    func markBegun(_ receipts: [Receipt]) async throws {
        try state.withLockedValue { state in
            if let error = state.markError { throw error }
            state.begun += receipts
            if state.movesMarked { state.held.subtract(receipts) }
        }
    }

    func hold(_ count: Int) async throws { state.withLockedValue { $0.holds.append(count) } }
    func next(atMost limit: Int) async throws -> [Delivery] { [] }
    func settle(_ settlements: [Settlement]) async throws {}
    func stop() async {}
    func close() async throws {}
}
