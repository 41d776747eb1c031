import CeleriacWire
import Logging
import Metrics
import Tracing

import struct FoundationEssentials.Date

/// Runs handlers. It decides whether a job may still begin, runs its handler within the time limits and calls the
/// hooks, and turns what the handler returns or throws into an outcome.
final class TaskRunner: Sendable {
    private let dialect: any Dialect
    private let handlers: [String: TaskHandler]
    private let nodeName: String
    private let hooks: WorkerHooks
    private let sharedValues: SharedValues
    private let client: TaskClient?
    private let consumer: any MessageConsumer
    private let held: HeldTasks
    private let revokedTasks: RevokedTasks
    private let waiting: WaitingRoom
    private let blockingExecutor: BlockingExecutor?
    private let deduplication: Deduplication?
    private let ledger: Ledger
    private let observers: Observers
    private let tracing: TaskTracing?
    private let showsErrorTexts: Bool
    /// How many handlers run; nil where nobody counts them.
    private let running: Meter?
    private let timers: any TimerSource
    private let logger: Logger

    init(
        dialect: any Dialect, handlers: [String: TaskHandler], nodeName: String, configuration: WorkerConfiguration,
        client: TaskClient?, store: (any ResultStore)?, consumer: any MessageConsumer, held: HeldTasks,
        revokedTasks: RevokedTasks,
        waiting: WaitingRoom, blockingExecutor: BlockingExecutor?, ledger: Ledger, observers: Observers,
        tracing: TaskTracing? = nil, running: Meter? = nil, timers: any TimerSource, logger: Logger
    ) {
        self.dialect = dialect
        self.handlers = handlers
        self.nodeName = nodeName
        self.hooks = configuration.hooks
        self.sharedValues = configuration.sharedValues
        self.client = client
        self.consumer = consumer
        self.held = held
        self.revokedTasks = revokedTasks
        self.waiting = waiting
        self.blockingExecutor = blockingExecutor
        self.deduplication = Deduplication(configuration, store: store, dialect: dialect, logger: logger)
        self.ledger = ledger
        self.observers = observers
        self.tracing = tracing
        self.showsErrorTexts = configuration.logsErrorTexts
        self.running = running
        self.timers = timers
        self.logger = logger
    }

    /// Runs a job in a slot, until its outcome is submitted and the hooks have been called.
    func perform(_ job: Job, in slot: Slot) async {
        guard mayBegin(job) else { return }
        if job.isRedelivered {
            if let success = await deduplication?.success(of: job) {
                return ledger.finish(job, succeededBefore: success)
            }
            guard await markBegun(job) else { return }
        }
        job.begin(at: timers.now)
        observers.tell(.started(job.request))
        if job.isAcknowledged { ledger.acknowledge(job) }
        running?.increment()
        defer { running?.decrement() }
        guard let tracing else { return await run(job, in: slot, span: nil) }
        let span = tracing.start(
            dialect.span(ofRun: job.request, nodeName: nodeName), .consumer,
            in: tracing.context(in: job.request.headers))
        defer { span.end() }
        await ServiceContext.withValue(span.context) { await run(job, in: slot, span: span) }
    }

    /// Runs a job that has begun.
    ///
    /// - Parameters:
    ///   - job: the job.
    ///   - slot: the slot in which it runs.
    ///   - span: the span of the run, which this method does not end; nil without a tracer.
    private func run(_ job: Job, in slot: Slot, span: (any Tracing.Span)?) async {
        let sender = ContextSender(client: client, spanContext: span?.context)
        let context = context(of: job.request, sender: sender) { [ledger] state, value in
            try await ledger.store(state, value, for: job)
        }
        let storesResult = job.storesResult
        let tracked = storesResult ? dialect.trackedStates : []
        if tracked.contains(.received) { ledger.submit(.received, of: job) }
        if let refusal = job.request.refusal {
            await hooks.error?(context, refusal)
            return finish(job, .failure(refusal), sender: sender, span: span)
        }
        if tracked.contains(.started) || storesResult && job.handler.options.tracksStarted == true {
            ledger.submit(.started, of: job)
        }
        let limits = TimeLimitWatch(job: job, slot: slot, ledger: ledger, timers: timers)
        await hooks.preTask?(context)
        let outcome = await outcome(of: job, context: context, limits: limits)
        limits?.end()
        finish(job, outcome, sender: sender, span: span)
        await hooks.postTask?(context, outcome.finalState)
    }

    /// Submits what follows from an outcome, and notes it on the span, unless the task has ended before.
    private func finish(_ job: Job, _ outcome: Outcome, sender: ContextSender, span: (any Tracing.Span)?) {
        if let span, let tracing {
            if job.hasOutcome {
                span.setStatus(SpanStatus(code: .error, message: "the task had ended before its handler returned"))
            } else {
                tracing.note(outcome, dialect.attributes(of: outcome), on: span, showsTexts: showsErrorTexts)
            }
        }
        ledger.finish(job, outcome, sender: sender)
    }

    /// Whether a job may begin now that it has a slot. If not, this method ends or drops the job.
    private func mayBegin(_ job: Job) -> Bool {
        guard keeps(job, orDropsAs: WaitingRoom.lost) else { return false }
        let now = timers.now
        if let expires = job.request.expires, expires < now {
            ledger.finish(job, .expired)
            return false
        }
        if revokedTasks.contains(job.request, now: now) {
            ledger.finish(job, .revoked(.revoked))
            return false
        }
        return true
    }

    /// Tells the consumer that a job begins whose message was delivered before.
    ///
    /// - Returns: whether the job may still begin.
    private func markBegun(_ job: Job) async -> Bool {
        do {
            try await consumer.markBegun([job.receipt])
        } catch {
            logger.warning(
                "could not count the beginning of a task whose message came back",
                metadata: ["task-id": "\(job.request.id)", "error": "\(error)"])
        }
        // Remote control may have terminated it meanwhile.
        return keeps(job, orDropsAs: WaitingRoom.leftToBeCounted) && !job.hasOutcome
    }

    /// Whether the worker still holds a job's message. If not, this method drops the job, unless that has ended: one that was
    /// terminated and settled before it began gives up its place in the window by its plan, and must not do so twice.
    private func keeps(_ job: Job, orDropsAs reason: Logger.Message) -> Bool {
        if held.keeps(job) { return true }
        if job.claimOutcome() { waiting.drop(job, reason) }
        return false
    }

    /// Calls an error callback of this worker. If the callback throws, the error is only logged.
    func call(_ call: ErrorCall, for plan: Plan) async {
        guard var request = plan.request, let callback = handlers[call.name]?.callback else { return }
        request.id = call.failedID
        let context = context(of: request, sender: ContextSender(client: client)) { _, _ in }
        do {
            try await callback(context, call)
        } catch {
            logger.error(
                "an error callback failed",
                metadata: ["callback": "\(call.name)", "task-id": "\(request.id)", "error": "\(error)"])
        }
    }

    private func context(
        of request: TaskRequest, sender: ContextSender,
        storeState: @escaping @Sendable (TaskState, WireValue) async throws -> Void
    ) -> TaskContext {
        TaskContext(
            request: request, nodeName: nodeName, dialect: dialect, baseLogger: logger, values: sharedValues,
            sender: sender, handlers: handlers, storeState: storeState)
    }

    // MARK: Outcomes

    private func outcome(of job: Job, context: TaskContext, limits: TimeLimitWatch?) async -> Outcome {
        do {
            guard !hooks.middleware.isEmpty else { return .success(try await handle(job, context)) }
            return .success(
                try await hooks.middleware[...].run(context) { [self] in try await handle(job, context) })
        } catch {
            return await outcome(of: job, error: error, context: context, limits: limits)
        }
    }

    /// Calls the handler, where its options place it.
    private func handle(_ job: Job, _ context: TaskContext) async throws -> WireValue {
        guard job.handler.options.placement == .blocking, let blockingExecutor else {
            return try await job.handler.run(context)
        }
        let run = job.handler.run
        return try await withTaskExecutorPreference(blockingExecutor) { try await run(context) }
    }

    private func outcome(of job: Job, error: any Error, context: TaskContext, limits: TimeLimitWatch?) async -> Outcome
    {
        switch error {
        case let retry as RetryError:
            return self.retry(job, retry)
        case let replacement as ReplaceError:
            return .replaced(Replacement(replacement.submission))
        case is IgnoreResult:
            return .ignored
        case let rejection as Rejection:
            // Without its message the task has failed, as after any other error.
            if !rejection.requeue { await hooks.error?(context, rejection) }
            guard rejection.requeue, job.isAcknowledged else { return .rejected(requeue: rejection.requeue) }
            // What was acknowledged can only be sent again: as a retry, whose delay and number keep a handler that always
            // refuses from running in a circle. Celery lets go of such a task, and its callers wait for ever.
            return self.retry(job, RetryError(delay: nil, maximumRetries: nil, cause: nil))
        case _ where error.comesOfCancellation && limits?.softLimitPassed == true:
            return .failure(dialect.failure(for: .softTimeLimit))
        case _ where error.comesOfCancellation && Task.isCancelled:
            // The worker is stopping and the handler ended early: the task must run again. One that was acknowledged early
            // must not, so it has failed: nobody would ever tell its caller otherwise.
            return job.isAcknowledged ? .failure(dialect.failure(for: .interrupted)) : .rejected(requeue: true)
        case _ where job.handler.options.retriedErrors.contains(error):
            return self.retry(job, RetryError(delay: nil, maximumRetries: nil, cause: error))
        default:
            await hooks.error?(context, error)
            return .failure(failure(error, of: job.request))
        }
    }

    private func retry(_ job: Job, _ retry: RetryError) -> Outcome {
        let policy = job.registration.retryPolicy
        let request = job.request
        if let maximum = retry.maximumRetries ?? policy.maximumRetries, request.retries >= maximum {
            guard let cause = retry.cause else {
                let fault = TaskFault.retriesExhausted(task: request.name, id: request.id, retries: request.retries)
                return .failure(dialect.failure(for: fault))
            }
            return .failure(failure(cause, of: request))
        }
        let delay =
            retry.delay ?? policy.delay(afterRetries: request.retries, random: Double.random(in: 0..<1))
        let cause = retry.cause ?? dialect.failure(for: .retryWithoutCause(delay: delay))
        return .retry(
            eta: timers.now.addingTimeInterval(delay.seconds), cause: failure(cause, of: request),
            arguments: retry.arguments, keywordArguments: retry.keywordArguments)
    }

    private func failure(_ error: any Error, of request: TaskRequest) -> TaskFailure {
        dialect.failure(for: .thrown(error, task: request.name, id: request.id))
    }
}
