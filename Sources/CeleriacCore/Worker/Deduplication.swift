import Logging

/// Finds out whether the task of a message that came back has succeeded before, so that it need not run again: Celery's
/// `worker_deduplicate_successful_tasks`.
struct Deduplication: Sendable {
    private let store: any ResultStore
    private let dialect: any Dialect
    private let logger: Logger

    /// Makes it; nil for a worker that is not set to, and for one whose store does not keep results to be read.
    init?(_ configuration: WorkerConfiguration, store: (any ResultStore)?, dialect: any Dialect, logger: Logger) {
        guard configuration.deduplicatesSuccessfulTasks, let store, !store.deliversOnce, !store.fetchingRemoves else {
            return nil
        }
        self.store = store
        self.dialect = dialect
        self.logger = logger
    }

    /// The success that is stored for a job's task.
    ///
    /// - Returns: nil if there is none, if the message is new or was acknowledged early, and if the store does not say:
    ///   then the task runs, perhaps once more.
    func success(of job: Job) async -> TaskResult? {
        guard job.isRedelivered, !job.acknowledgesEarly else { return nil }
        do {
            guard let payload = try await store.fetch([job.request.id]).compactMap({ $0 }).first else { return nil }
            let result = try dialect.result(from: payload)
            return result.state == .success ? result : nil
        } catch {
            logger.warning(
                "could not look whether a task whose message came back has succeeded before, so it runs again",
                metadata: ["task-id": "\(job.request.id)", "error": "\(error)"])
            return nil
        }
    }
}
