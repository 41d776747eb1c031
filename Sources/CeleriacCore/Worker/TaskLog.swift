import CeleriacWire
import Logging

import struct FoundationEssentials.Date

/// What a worker's log tells of its tasks: what Celery's log has, with the task and its id as metadata. Arguments and
/// results only if that is wanted, since they may be private.
struct TaskLog: Sendable {
    /// Whether the log has the texts and the places of errors, and not their types alone.
    var showsErrorTexts = true
    /// Whether the log has arguments and results.
    var showsArguments = false

    /// Logs that a worker has read a task's message and will run it.
    func tellReceived(_ request: TaskRequest, dialect: any Dialect, to logger: Logger) {
        logger.info(
            "task received",
            metadata: metadata(request, dialect, request.eta.map { ["eta": "\($0)"] } ?? [:]))
    }

    /// Logs how a task has ended: the runtime of a success, the text and the place of an error.
    ///
    /// - Parameters:
    ///   - outcome: how it has ended.
    ///   - request: the task.
    ///   - runtime: how long its handler ran; nil if it did not begin.
    ///   - now: the time.
    ///   - dialect: shows arguments and results.
    ///   - logger: the worker's logger.
    func tell(
        _ outcome: Outcome, of request: TaskRequest, runtime: () -> Duration?, now: Date, dialect: any Dialect,
        to logger: Logger
    ) {
        func metadata(_ more: Logger.Metadata = [:], withArguments: Bool = false) -> Logger.Metadata {
            self.metadata(request, dialect, more, withArguments: withArguments)
        }
        switch outcome {
        case .success(let value):
            logger.info("task succeeded", metadata: metadata(success(value, runtime(), dialect)))
        case .failure(let failure):
            logger.error(
                "task failed",
                metadata: metadata(
                    ["error": "\(text(of: failure))"].merging(place(of: failure)) { $1 }, withArguments: true))
        case .replaced: logger.info("task is replaced", metadata: metadata())
        case .retry(let eta, let cause, _, _):
            let seconds = max(0, eta.timeIntervalSince(now))
            logger.info(
                "task is retried",
                metadata: metadata(
                    ["eta": "\(eta)", "seconds": "\(seconds)", "error": "\(text(of: cause))"], withArguments: true))
        case .expired: logger.info("task has expired", metadata: metadata())
        case .timedOut(let limit):
            logger.error(
                "task passed its hard time limit; its slot is taken until the handler returns",
                metadata: metadata(["seconds": "\(limit)"], withArguments: true))
        case .revoked(let revocation):
            logger.info("task is revoked", metadata: metadata(["how": "\(revocation)"]))
        case .cancelled:
            logger.warning(
                "task is cancelled: its message was lost with the connection and is delivered again",
                metadata: metadata())
        case .rejected(let requeue): logger.info("task is rejected", metadata: metadata(["requeue": "\(requeue)"]))
        case .unregistered, .ignored: break
        }
    }

    private func success(_ value: WireValue, _ runtime: Duration?, _ dialect: any Dialect) -> Logger.Metadata {
        var metadata: Logger.Metadata = [:]
        if let runtime { metadata["seconds"] = "\(runtime.seconds)" }
        if showsArguments { metadata["result"] = "\(dialect.text(ofResult: value))" }
        return metadata
    }

    private func text(of failure: TaskFailure) -> String { showsErrorTexts ? failure.text : "\(failure)" }

    private func place(of failure: TaskFailure) -> Logger.Metadata {
        guard showsErrorTexts, let traceback = failure.traceback else { return [:] }
        return ["traceback": "\(traceback)"]
    }

    private func metadata(
        _ request: TaskRequest, _ dialect: any Dialect, _ more: Logger.Metadata, withArguments: Bool = true
    ) -> Logger.Metadata {
        var metadata = more
        metadata["task"] = "\(request.name)"
        metadata["task-id"] = "\(request.id)"
        if showsArguments, withArguments {
            let texts = dialect.texts(ofArgumentsOf: request)
            metadata["args"] = "\(texts.positional)"
            metadata["kwargs"] = "\(texts.keyword)"
        }
        return metadata
    }
}
