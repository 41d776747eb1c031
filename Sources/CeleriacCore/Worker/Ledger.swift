import CeleriacWire
import Logging
import NIOConcurrencyHelpers

import struct FoundationEssentials.Date

/// Ends jobs: it turns outcomes into the dialect's effects and submits them, logs the outcomes, and tells observers.
final class Ledger: Sendable {
    let dialect: any Dialect
    private let store: (any ResultStore)?
    let registrations: [String: TaskRegistration]
    private let nodeName: String
    private let resultExpiry: Duration?
    private let errorHandlers: Set<String>
    private let logs: TaskLog
    let failsTasksOfUnacceptedContent: Bool
    let observers: Observers
    private let timers: any TimerSource
    let logger: Logger
    let telemetry: SendTelemetry?
    private let publication: @Sendable () -> PublicationContext
    let submit: @Sendable (Plan) -> Void
    private let strangers = NIOLockedValueBox(Strangers())
    private let requeued = NIOLockedValueBox(0)

    /// How many messages have gone back to their queues when their tasks ended.
    var requeuedCount: Int { requeued.withLockedValue { $0 } }

    /// Makes a ledger.
    ///
    /// - Parameters:
    ///   - dialect: turns outcomes into effects.
    ///   - store: where results are kept; nil for a worker that keeps none.
    ///   - registrations: the tasks that the worker serves, by name.
    ///   - nodeName: the worker's node name.
    ///   - resultExpiry: how long results are kept; nil for ever.
    ///   - errorHandlers: the names of the error callbacks that the worker calls itself.
    ///   - logs: what the log tells of tasks.
    ///   - failsTasksOfUnacceptedContent: whether a task fails when its message is parked although another worker might run it.
    ///   - observers: who is told of outcomes.
    ///   - timers: where the ledger takes the time from.
    ///   - logger: the worker's logger.
    ///   - telemetry: what is told of what follows from an outcome; nil if nobody listens.
    ///   - publication: what the dialect may know when it publishes what follows from an outcome.
    ///   - submit: carries out a plan.
    init(
        dialect: any Dialect, store: (any ResultStore)?, registrations: [String: TaskRegistration], nodeName: String,
        resultExpiry: Duration?, errorHandlers: Set<String>, logs: TaskLog = TaskLog(),
        failsTasksOfUnacceptedContent: Bool = false, observers: Observers, timers: any TimerSource, logger: Logger,
        telemetry: SendTelemetry? = nil,
        publication: @escaping @Sendable () -> PublicationContext, submit: @escaping @Sendable (Plan) -> Void
    ) {
        self.dialect = dialect
        self.store = store
        self.registrations = registrations
        self.nodeName = nodeName
        self.resultExpiry = resultExpiry
        self.errorHandlers = errorHandlers
        self.logs = logs
        self.failsTasksOfUnacceptedContent = failsTasksOfUnacceptedContent
        self.observers = observers
        self.timers = timers
        self.logger = logger
        self.telemetry = telemetry
        self.publication = publication
        self.submit = submit
    }

    // MARK: Ending

    /// Submits what follows from a job's outcome, unless the job already has an outcome.
    ///
    /// - Parameters:
    ///   - job: the job that ends.
    ///   - outcome: how it ended.
    ///   - sender: the sender that the handler used; nil if no handler ran.
    func finish(_ job: Job, _ outcome: Outcome, sender: ContextSender? = nil) {
        guard job.claimOutcome() else {
            logger.warning("late result dropped", metadata: ["task-id": "\(job.request.id)"])
            return
        }
        func runtime() -> Duration? { job.startTime.map { .seconds(max(0, timers.now.timeIntervalSince($0))) } }
        let context = effectContext(
            job.handler.options, storesResult: job.storesResult, sender: sender,
            outbound: telemetry?.following(job.request, in: sender?.spanContext))
        var (outcome, effects) = told(outcome, of: job, in: context)
        logs.tell(outcome, of: job.request, runtime: runtime, now: context.now, dialect: dialect, to: logger)
        let telling = observers.later(.ended(job.request, outcome, runtime: runtime()))
        // The message of a job that never began has not been acknowledged yet.
        let isAcknowledged = job.isAcknowledged
        if isAcknowledged {
            effects.removeAll { if case .settle = $0 { true } else { false } }
        } else if case .rejected(requeue: true) = outcome {
            requeued.withLockedValue { $0 += 1 }
        }
        if !isAcknowledged, store?.deliversOnce == true {
            job.keep(
                effects.compactMap { effect in
                    guard case .store(let record) = effect, record.state.isFinal, !record.replyTo.isEmpty else {
                        return nil
                    }
                    return record
                })
        }
        submit(
            isAcknowledged
                ? Plan(
                    receipt: nil, taskID: job.request.id, endsJob: false, request: job.request, context: context,
                    effects: effects, onEnd: telling)
                : Plan(ending: job, context: context, effects: effects, onEnd: telling))
    }

    /// Ends a job whose task has succeeded before, according to its result, so that it need not run again. What may not
    /// have followed then follows now: what comes after the result, and what comes before it if the result knows of
    /// nothing that the task sent.
    func finish(_ job: Job, succeededBefore result: TaskResult) {
        guard job.claimOutcome() else { return }
        let outcome = Outcome.success(result.value)
        // The result is there, whether or not this worker would have stored it.
        let context = effectContext(
            job.handler.options, storesResult: true, outbound: telemetry?.following(job.request, in: nil))
        let all = (try? dialect.effects(of: outcome, for: job.request, in: context)) ?? [.settle(.acknowledge)]
        let (before, after) = all.parted(atStateOf: job.request.id)
        logger.info(
            "a task whose message came back has succeeded before and does not run again",
            metadata: ["task": "\(job.request.name)", "task-id": "\(job.request.id)"])
        submit(
            Plan(
                ending: job, context: context, effects: Array(result.children.isEmpty ? before + after : after),
                onEnd: observers.later(.ended(job.request, outcome, runtime: nil))))
    }

    /// Ends a delivery whose task the worker does not know, or gives it back: the dialect decides.
    func refuse(_ request: TaskRequest, receipt: Receipt) {
        let times = strangers.withLockedValue { $0.timesSeen(request.id) }
        let context = effectContext(
            TaskOptions(), storesResult: request.ignoresResult != true, timesGivenBack: times,
            outbound: telemetry?.following(request, in: nil))
        let fault = MessageFault(unregistered: request.name)
        var effects = (try? dialect.effects(of: .unregistered, for: request, in: context)) ?? [.settle(.park(fault))]
        if let last = effects.last, case .settle(.park(let fault)) = last {
            let telling =
                effects.count == 1
                ? failing(request, dialect.failure(for: .unrunnable(fault)), in: context)
                : Array(effects.dropLast())
            effects = [last] + telling
            strangers.withLockedValue { $0.forget(request.id) }
        }
        let isGivenBack = effects.contains { if case .giveBack = $0 { true } else { false } }
        if isGivenBack {
            // Messages that came together must not go back together: a worker that can run them has room for a few at
            // a time, and this one would get the others again.
            effects = effects.map { effect in
                if case .pause(let duration) = effect { .pause(duration * .random(in: 0.5...1)) } else { effect }
            }
        }
        logStranger(request, isGivenBack: isGivenBack)
        submit(
            Plan(
                receipt: receipt, taskID: request.id, endsJob: true, request: request, context: context,
                effects: effects,
                onEnd: isGivenBack ? nil : observers.later(.ended(request, .unregistered, runtime: nil))))
    }

    private func logStranger(_ request: TaskRequest, isGivenBack: Bool) {
        let metadata: Logger.Metadata = [
            "task": "\(request.name)", "task-id": "\(request.id)", "queue": "\(request.queue)",
        ]
        guard isGivenBack else {
            return logger.error("no handler is registered for the task of a message", metadata: metadata)
        }
        let isNew = strangers.withLockedValue { $0.isNew(name: request.name) }
        logger.log(
            level: isNew ? .warning : .debug,
            "no handler is registered for the task of a message: it is given back, again and again, for other workers",
            metadata: metadata)
    }

    /// The outcome that a job has for the world, and what follows from it. One that the dialect cannot tell is a failure.
    private func told(_ outcome: Outcome, of job: Job, in context: EffectContext) -> (Outcome, [Effect]) {
        do {
            return (outcome, try dialect.effects(of: outcome, for: job.request, in: context))
        } catch {
            logger.error(
                "the outcome cannot be encoded", metadata: ["task-id": "\(job.request.id)", "error": "\(error)"])
            let failure = dialect.failure(for: .notEncodable(error))
            return (
                .failure(failure),
                effects(ofFailure: failure, for: job.request, in: context)
                    ?? [.settle(.park(MessageFault(reason: "outcomeNotEncodable", detail: error.message)))]
            )
        }
    }

    /// What follows a failure; nil if not even that can be written. Where a result names the task's arguments, they may be
    /// what it cannot hold: it is then written without them.
    func effects(
        ofFailure failure: TaskFailure, for request: TaskRequest, in context: EffectContext
    ) -> [Effect]? {
        if let effects = try? dialect.effects(of: .failure(failure), for: request, in: context) { return effects }
        var bare = request
        bare.arguments = []
        bare.keywordArguments = [:]
        return try? dialect.effects(of: .failure(failure), for: bare, in: context)
    }

    // MARK: Before the end

    /// Acknowledges the message of a job that begins.
    func acknowledge(_ job: Job) {
        // As with Celery's prefetch count, an acknowledged message makes room for another.
        submit(Plan(ending: job, effects: [.settle(.acknowledge)]))
    }

    /// Submits a state that the worker stores by itself. The handler does not wait for it.
    func submit(_ state: TaskState, of job: Job) {
        let context = effectContext(job.handler.options, storesResult: true)
        guard let record = try? dialect.record(ofState: state, meta: nil, for: job.request, in: context)
        else { return }
        submit(Plan(receipt: nil, taskID: job.request.id, endsJob: false, effects: [.store(record)]))
    }

    /// Stores a state of the handler's own.
    func store(_ state: TaskState, _ value: WireValue, for job: Job) async throws {
        let context = effectContext(job.handler.options, storesResult: true)
        guard let store,
            let record = try dialect.record(ofState: state, meta: value, for: job.request, in: context)
        else { return }
        try await store.store([record])
    }

    /// Stores the state `REVOKED` for those of these tasks that nobody has begun, according to their results. Callers
    /// that wait for them then need not wait until a worker gets their messages.
    ///
    /// It does not try again to store a state: a worker may begin the task meanwhile, and its result would be lost.
    func markRevoked(_ ids: [String]) async throws {
        guard let store, !store.deliversOnce, !ids.isEmpty else { return }
        let context = effectContext(TaskOptions(), storesResult: true)
        let records = try zip(ids, try await store.fetch(ids)).compactMap { id, payload in
            try dialect.record(
                ofRevokedTask: id, stored: try payload.map { try dialect.result(from: $0) }, in: context)
        }
        if !records.isEmpty { try await store.store(records) }
    }

    /// What the dialect may know.
    ///
    /// - Parameters:
    ///   - options: the options of the task.
    ///   - storesResult: whether its results are wanted.
    ///   - sender: the sender that its handler used; nil if no handler ran.
    ///   - timesGivenBack: how often this worker has given the message back.
    ///   - outbound: what goes along with what follows; nil if nothing does, or nobody listens.
    /// - Returns: the context.
    func effectContext(
        _ options: TaskOptions, storesResult: Bool, sender: ContextSender? = nil, timesGivenBack: Int = 0,
        outbound: Outbound? = nil
    ) -> EffectContext {
        var publication = publication()
        publication.outbound = outbound
        return EffectContext(
            nodeName: nodeName, now: timers.now, storesResult: storesResult && store != nil, taskOptions: options,
            resultExpiry: resultExpiry, children: sender?.children ?? [], ownSteps: sender?.ownSteps ?? [],
            errorHandlers: errorHandlers, timesGivenBack: timesGivenBack, publication: publication)
    }
}
