import NIOConcurrencyHelpers

/// One task that runs where it is sent, by the parts of a worker that has its handler.
struct EagerRun: Sendable {
    /// The receipt of what was never delivered.
    static let receipt = Receipt(generation: 0, tag: 0)

    private let request: TaskRequest
    private let handler: TaskHandler
    private let worker: TaskWorker
    private let broker: EagerBroker
    private let throwsFailure: Bool
    /// Whether the sender and the task want the result to be stored.
    private let keepsResult: Bool

    /// Makes a run, which has neither a time before or after which it may not begin, nor time limits.
    init(
        _ request: TaskRequest, _ handler: TaskHandler, of worker: TaskWorker, broker: EagerBroker, throwsFailure: Bool
    ) {
        keepsResult = !(request.ignoresResult ?? handler.options.ignoresResult ?? false)
        var (request, handler) = (request, handler)
        request.eta = nil
        request.expires = nil
        request.timeLimits = TimeLimits()
        handler.options.timeLimits = TimeLimits()
        handler.options.tracksStarted = false
        // Whoever sends it gets its result in any case.
        request.ignoresResult = false
        self.request = request
        self.handler = handler
        self.worker = worker
        self.broker = broker
        self.throwsFailure = throwsFailure
    }

    /// Runs the handler, and does what follows.
    ///
    /// - Throws: the task's error, if that is to be thrown; the error of what follows; ``CeleriacError`` with code
    ///   `unsupported` for a task that gives back its message; `CancellationError`.
    func carryOut() async throws {
        let plans = NIOLockedValueBox<[Plan]>([])
        let runner = runner { plan in plans.withLockedValue { $0.append(plan) } }
        let job = Job(
            request: request, registration: TaskRegistration(handler, retryPolicy: worker.dialect.retryPolicy),
            receipt: Self.receipt, acknowledgesEarly: false)
        await runner.perform(job, in: Slot())
        for plan in plans.withLockedValue({ $0 }) { try await carryOut(plan, by: runner) }
    }

    private func runner(submit: @escaping @Sendable (Plan) -> Void) -> TaskRunner {
        let (dialect, timers, logger) = (worker.dialect, worker.timers, worker.logger)
        let (consumer, observers) = (NothingDelivered(), Observers([], timers: timers))
        let held = HeldTasks(consumer: consumer, timers: timers)
        let ledger = Ledger(
            dialect: dialect, store: broker.results, registrations: [:], nodeName: worker.nodeName,
            resultExpiry: worker.configuration.resultExpiry, errorHandlers: worker.errorHandlers,
            logs: worker.configuration.taskLog, observers: observers, timers: timers, logger: logger,
            telemetry: worker.telemetry, publication: { [worker] in worker.publicationContext() }, submit: submit)
        let waiting = WaitingRoom(
            held: held, capacity: Capacity(window: 1), jobs: JobQueue(stopping: Gate()) { _ in }, timers: timers,
            logger: logger)
        return TaskRunner(
            dialect: dialect, handlers: worker.handlers, nodeName: worker.nodeName,
            configuration: worker.configuration, client: worker.client, store: nil, consumer: consumer, held: held,
            revokedTasks: RevokedTasks(), waiting: waiting, blockingExecutor: nil, ledger: ledger,
            observers: observers, tracing: worker.tracing, timers: timers, logger: logger)
    }

    // MARK: What follows

    private func carryOut(_ plan: Plan, by runner: TaskRunner) async throws {
        if throwsFailure, let failure = failure(in: plan) { throw failure }
        var plan = plan
        while let effect = plan.first {
            var next: [Effect] = []
            switch effect {
            case .publish(let messages): try await broker.publish(messages)
            // The run that follows has stored how it ended by then.
            case .store(let record) where record.state == .retry: break
            case .store(let record): try await broker.results.store([record], keeps: keepsResult)
            case .chord(let operation): next = try await effects(of: operation, in: plan)
            case .call(let call): await runner.call(call, for: plan)
            case .settle(let disposition): try end(as: disposition)
            case .giveBack, .pause: break
            }
            plan.advance(inserting: next)
        }
    }

    /// The error with which the task has failed.
    private func failure(in plan: Plan) -> RemoteTaskError? {
        var rest = plan
        while let effect = rest.first {
            if case .store(let record) = effect, record.taskID == request.id, record.state == .failure {
                return (try? worker.dialect.result(from: record.payload))?.error
            }
            rest.advance()
        }
        return nil
    }

    private func effects(of operation: ChordOperation, in plan: Plan) async throws -> [Effect] {
        let completions = try await broker.results.perform([operation])
        guard let completion = completions.compactMap({ $0 }).first, case .add(let part) = operation,
            let context = plan.context
        else { return [] }
        return worker.dialect.effects(of: completion, of: part, for: request, in: context)
    }

    private func end(as disposition: Settlement.Disposition) throws {
        switch disposition {
        case .acknowledge, .reject: return
        case .requeue:
            // A handler that ends because its caller was cancelled has not run.
            try Task.checkCancellation()
            throw CeleriacError(
                .unsupported, "the task \(request.name) gives back its message, but it was run where it was sent")
        case .park(let fault):
            throw CeleriacError(.unsupported, "the task \(request.name) cannot be run where it is sent: \(fault)")
        }
    }
}

extension OutgoingMessage {
    /// The message as a delivery, although no broker has delivered it.
    var undelivered: Delivery {
        Delivery(content: .success(message), queue: declaredQueue ?? routingKey, receipt: EagerRun.receipt)
    }
}

/// A consumer for tasks that no broker has delivered.
private struct NothingDelivered: MessageConsumer {
    func next(atMost limit: Int) async throws -> [Delivery] { [] }
    func settle(_ settlements: [Settlement]) async throws {}
    func stop() async {}
    func close() async throws {}
}
