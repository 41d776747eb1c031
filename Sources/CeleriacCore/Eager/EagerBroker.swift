package import Logging
import NIOConcurrencyHelpers

/// Runs tasks where they are sent, instead of sending them: Celery's `task_always_eager`.
///
/// A send runs the task's handler, and everything that follows from its outcome, before it returns: retries, callbacks,
/// the rest of the chain, the body of a chord. Times do not count. What no worker of this process has a handler for goes
/// to the other broker.
package final class EagerBroker: WrappingBroker, ParkedMessageWalker {
    /// The other broker.
    package let base: any MessageBroker
    /// Where the results of the tasks are.
    package let results: EagerResults
    private let dialect: any Dialect
    private let throwsFailures: Bool
    private let logger: Logger
    private let workers = NIOLockedValueBox<[String: TaskWorker]>([:])

    /// Makes a broker without handlers.
    ///
    /// - Parameters:
    ///   - base: gets what has no handler here.
    ///   - dialect: reads messages.
    ///   - results: where the results of the tasks are.
    ///   - throwsFailures: whether a send throws the error with which its task fails: `task_eager_propagates`.
    ///   - logger: tells of what goes to the other broker.
    package init(
        _ base: any MessageBroker, dialect: any Dialect, results: EagerResults, throwsFailures: Bool, logger: Logger
    ) {
        self.base = base
        self.dialect = dialect
        self.results = results
        self.throwsFailures = throwsFailures
        self.logger = logger
    }

    /// Has a worker's handlers run from now on. The worker need not run.
    package func serve(_ worker: TaskWorker) {
        workers.withLockedValue { workers in for name in worker.handlers.keys { workers[name] = worker } }
    }

    /// Runs tasks, in their order, and then publishes the others.
    ///
    /// - Throws: the error of a task that fails, if that is to be thrown; the other broker's error.
    package func publish(_ messages: [OutgoingMessage]) async throws {
        var others: [OutgoingMessage] = []
        for message in messages {
            guard let run = run(of: message) else {
                others.append(message)
                continue
            }
            try await run.carryOut()
        }
        if others.isEmpty { return }
        logger.warning(
            "task_always_eager has no effect on tasks without a handler in this process: they are sent",
            metadata: ["messages": "\(others.count)", "broker": "\(base.name)"])
        try await results.expectAnswers()
        try await base.publish(others)
    }

    private func run(of message: OutgoingMessage) -> EagerRun? {
        guard let request = try? dialect.request(of: message.message, delivery: message.undelivered),
            let worker = workers.withLockedValue({ $0[request.name] }), let handler = worker.handlers[request.name]
        else { return nil }
        return EagerRun(request, handler, of: worker, broker: self, throwsFailure: throwsFailures)
    }

    /// The other broker's side for workers, which run what they take from queues.
    package var workerSide: any MessageBroker { base.workerSide }

    /// Closes the other broker, and forgets the handlers.
    package func close() async {
        workers.withLockedValue { $0 = [:] }
        await base.close()
    }
}
