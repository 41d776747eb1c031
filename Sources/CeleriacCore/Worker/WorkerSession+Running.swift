import CeleriacWire
import Logging
import Synchronization

import struct FoundationEssentials.Date

extension WorkerSession {
    /// Runs a job in a slot, from its start to the submission of its effects.
    func perform(_ job: Job, in slot: Slot) async {
        let request = job.request
        guard consumer.isHeld(job.receipt) else { return dropUnheld(job) }
        if let expires = request.expires, expires < worker.timers.now {
            return finish(job, .expired)
        }
        if isRevoked(request) { return finish(job, .revoked(.revoked)) }
        job.begin(at: worker.timers.now)
        notify(.started(request))
        if job.isAcknowledged {
            // As with Celery's prefetch count, what is acknowledged makes room for another message.
            pipeline.submit(
                Plan(receipt: job.receipt, taskID: request.id, endsJob: true, effects: [.settle(.acknowledge)]))
        }
        let sender = ContextSender(client: worker.client)
        let context = context(of: request, sender: sender) { state, value in
            try await self.store(state, value, for: job)
        }
        let tracked = storesResult(of: job) ? worker.dialect.trackedStates : []
        if tracked.contains(.received) { submit(.received, of: job) }
        if let refusal = request.refusal {
            await worker.configuration.hooks.error?(context, refusal)
            return finish(job, .failure(refusal))
        }
        if tracked.contains(.started) || job.handler.options.tracksStarted == true && storesResult(of: job) {
            submit(.started, of: job)
        }
        let limits = TimeLimitWatch(job: job, slot: slot, session: self)
        await worker.configuration.hooks.preTask?(context)
        let outcome = await outcome(of: job, context: context, limits: limits)
        limits?.end()
        finish(job, outcome, sender: sender)
        await worker.configuration.hooks.postTask?(context, outcome)
    }

    private func context(
        of request: TaskRequest, sender: ContextSender,
        storeState: @escaping @Sendable (TaskState, WireValue) async throws -> Void
    ) -> TaskContext {
        TaskContext(
            request: request, valueCoding: worker.dialect.valueCoding,
            nodeName: worker.configuration.nodeName, baseLogger: logger, values: worker.configuration.sharedValues,
            sender: sender, handlers: worker.handlers, storeState: storeState)
    }

    /// Calls an error callback of this worker. What it throws changes nothing.
    func call(_ call: ErrorCall, for plan: Plan) async {
        guard var request = plan.request, let callback = worker.handlers[call.name]?.callback else { return }
        request.id = call.failedID
        let context = context(of: request, sender: ContextSender(client: worker.client)) { _, _ in }
        do {
            try await callback(context, call)
        } catch {
            logger.error(
                "an error callback failed",
                metadata: ["callback": "\(call.name)", "task-id": "\(request.id)", "error": "\(error)"])
        }
    }

    private func outcome(of job: Job, context: TaskContext, limits: TimeLimitWatch?) async -> Outcome {
        do {
            if job.handler.options.placement == .blocking, let blockingPool {
                let run = job.handler.run
                return .success(try await withTaskExecutorPreference(blockingPool) { try await run(context) })
            }
            return .success(try await job.handler.run(context))
        } catch {
            return await outcome(of: job, error: error, context: context, limits: limits)
        }
    }

    private func outcome(of job: Job, error: any Error, context: TaskContext, limits: TimeLimitWatch?) async -> Outcome
    {
        let request = job.request
        switch error {
        case let retry as RetryError:
            return self.retry(job, retry)
        case let replacement as ReplaceError:
            return .replaced(Replacement(replacement.submission))
        case is IgnoreResult:
            return .ignored
        case let rejection as Rejection:
            return .rejected(requeue: rejection.requeue)
        case is CancellationError where limits?.softLimitPassed == true:
            return .failure(
                TaskFailure(type: "SoftTimeLimitExceeded", module: "billiard.exceptions", arguments: []))
        case is CancellationError where Task.isCancelled:
            // The worker stops and the handler gave way: the task is to be run again.
            return .rejected(requeue: true)
        case _ where job.handler.options.retriedErrors.contains(error):
            return self.retry(job, RetryError(delay: nil, maximumRetries: nil, cause: error))
        default:
            await worker.configuration.hooks.error?(context, error)
            return .failure(TaskFailure(error, task: request.name, id: request.id))
        }
    }

    private func retry(_ job: Job, _ retry: RetryError) -> Outcome {
        let policy = job.handler.options.retry
        let request = job.request
        let maximum = retry.maximumRetries ?? policy.maximumRetries
        if let maximum, request.retries >= maximum {
            guard let cause = retry.cause else {
                return .failure(
                    TaskFailure(
                        "MaxRetriesExceededError", module: "celery.exceptions",
                        "Can't retry \(request.name)[\(request.id)]: retried \(request.retries) times"))
            }
            return .failure(TaskFailure(cause, task: request.name, id: request.id))
        }
        let delay =
            retry.delay ?? policy.delay(afterRetries: request.retries, random: Double.random(in: 0..<1))
        let cause = retry.cause ?? TaskFailure("Retry", module: "celery.exceptions", "Retry in \(delay.seconds)s")
        return .retry(
            eta: worker.timers.now.addingTimeInterval(delay.seconds),
            cause: TaskFailure(cause, task: request.name, id: request.id), arguments: retry.arguments,
            keywordArguments: retry.keywordArguments)
    }

    // MARK: Ending

    /// Submits what follows from an outcome, unless another was faster.
    ///
    /// - Parameter sender: what the handler has sent by, if one ran.
    func finish(_ job: Job, _ outcome: Outcome, sender: ContextSender? = nil) {
        guard job.claimOutcome() else {
            logger.warning("late result dropped", metadata: ["task-id": "\(job.request.id)"])
            return
        }
        log(outcome, of: job.request)
        let telling = announcement(
            .ended(
                job.request, outcome,
                runtime: job.startTime.map { .seconds(max(0, worker.timers.now.timeIntervalSince($0))) }))
        let context = effectContext(
            options: job.handler.options, storesResult: storesResult(of: job), sender: sender)
        var effects = self.effects(of: outcome, for: job, in: context)
        // One that never began has its message still.
        let isAcknowledged = job.isAcknowledged
        if isAcknowledged {
            effects.removeAll { if case .settle = $0 { true } else { false } }
        }
        pipeline.submit(
            Plan(
                receipt: isAcknowledged ? nil : job.receipt, taskID: job.request.id, endsJob: !isAcknowledged,
                request: job.request, context: context, effects: effects, onEnd: telling))
    }

    func finishUnregistered(_ request: TaskRequest, receipt: Receipt) {
        logger.error(
            "no handler is registered for the task of a message",
            metadata: ["task": "\(request.name)", "task-id": "\(request.id)", "queue": "\(request.queue)"])
        let telling = announcement(.ended(request, .unregistered, runtime: nil))
        let context = effectContext(options: TaskOptions(), storesResult: request.ignoresResult != true)
        let fault = MessageFault(
            reason: "unregistered", detail: "no handler is registered for \(request.name) at this worker")
        let effects =
            (try? worker.dialect.effects(of: .unregistered, for: request, in: context)) ?? [.settle(.park(fault))]
        pipeline.submit(
            Plan(
                receipt: receipt, taskID: request.id, endsJob: true, request: request, context: context,
                effects: effects, onEnd: telling))
    }

    private func effects(of outcome: Outcome, for job: Job, in context: EffectContext) -> [Effect] {
        do {
            return try worker.dialect.effects(of: outcome, for: job.request, in: context)
        } catch {
            logger.error(
                "the outcome cannot be encoded",
                metadata: ["task-id": "\(job.request.id)", "error": "\(error)"])
            let failure = TaskFailure("EncodeError", module: "kombu.exceptions", String(describing: error.code))
            return (try? worker.dialect.effects(of: .failure(failure), for: job.request, in: context)) ?? [
                .settle(.park(MessageFault(reason: "outcomeNotEncodable", detail: error.message)))
            ]
        }
    }

    /// What is left to do for a task whose effects cannot be carried out: it has failed, and whoever waits for it is told.
    func failure(of plan: Plan, _ error: any Error) -> [Effect] {
        guard plan.tellsOutcome, let request = plan.request else { return [] }
        let options = registrations[request.name]?.handler.options ?? TaskOptions()
        let context = effectContext(
            options: options, storesResult: !(request.ignoresResult ?? options.ignoresResult ?? false))
        let failure = TaskFailure(
            "OperationalError", module: "kombu.exceptions",
            "what follows from the task could not be carried out: \(error)")
        let effects = (try? worker.dialect.effects(of: .failure(failure), for: request, in: context)) ?? []
        return effects.filter { if case .settle = $0 { false } else { true } }
    }

    private func effectContext(
        options: TaskOptions, storesResult: Bool, sender: ContextSender? = nil
    ) -> EffectContext {
        EffectContext(
            nodeName: worker.configuration.nodeName, now: worker.timers.now,
            storesResult: storesResult && worker.store != nil, taskOptions: options,
            resultExpiry: worker.configuration.resultExpiry, children: sender?.children ?? [],
            ownSteps: sender?.ownSteps ?? [], errorHandlers: worker.errorHandlers,
            publication: worker.publicationContext())
    }

    /// What the sender says wins over the task's own setting.
    private func storesResult(of job: Job) -> Bool {
        !(job.request.ignoresResult ?? job.handler.options.ignoresResult ?? false)
    }

    // MARK: States on the way

    private func submit(_ state: TaskState, of job: Job) {
        let meta: WireValue = .object(["hostname": .string(worker.configuration.nodeName)])
        let context = effectContext(options: job.handler.options, storesResult: true)
        guard let record = try? worker.dialect.record(ofState: state, meta: meta, for: job.request, in: context)
        else { return }
        pipeline.submit(Plan(receipt: nil, taskID: job.request.id, endsJob: false, effects: [.store(record)]))
    }

    private func store(_ state: TaskState, _ value: WireValue, for job: Job) async throws {
        let context = effectContext(options: job.handler.options, storesResult: true)
        guard let store = worker.store,
            let record = try worker.dialect.record(ofState: state, meta: value, for: job.request, in: context)
        else { return }
        try await store.store([record])
    }

    // MARK: Logging

    private func log(_ outcome: Outcome, of request: TaskRequest) {
        let metadata: () -> Logger.Metadata = { ["task": "\(request.name)", "task-id": "\(request.id)"] }
        switch outcome {
        case .success: logger.debug("task succeeded", metadata: metadata())
        case .failure(let failure):
            logger.warning(
                "task failed", metadata: metadata().merging(["error": "\(failure)"], uniquingKeysWith: { $1 }))
        case .replaced: logger.info("task is replaced", metadata: metadata())
        case .retry(let eta, let cause, _, _):
            logger.info(
                "task is retried",
                metadata: metadata().merging(["eta": "\(eta)", "error": "\(cause)"], uniquingKeysWith: { $1 }))
        case .expired: logger.info("task has expired", metadata: metadata())
        case .timedOut(let limit):
            logger.error(
                "task passed its hard time limit; its slot is taken until the handler returns",
                metadata: metadata().merging(["seconds": "\(limit)"], uniquingKeysWith: { $1 }))
        case .revoked(let revocation):
            logger.info(
                "task is revoked",
                metadata: metadata().merging(["how": "\(revocation)"], uniquingKeysWith: { $1 }))
        case .unregistered, .ignored: break
        case .rejected(let requeue):
            logger.info(
                "task is rejected", metadata: metadata().merging(["requeue": "\(requeue)"], uniquingKeysWith: { $1 }))
        }
    }
}
