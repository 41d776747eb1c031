import Logging

/// What a worker's log says, in Celery's words where a worker of Celery logs the same: people and alerts look for these.
///
/// What goes into the text is no longer in the metadata. Other messages stay as they are.
struct CeleryLine {
    let text: String
    /// What stands behind the text.
    let metadata: Logger.Metadata

    /// Words a message of the runtime.
    init(_ message: String, _ metadata: Logger.Metadata) {
        var rest = metadata
        var words = Self.ofWorker(message, &rest)
        if words == nil { words = Self.ofTask(message, &rest) }
        text = words ?? message
        self.metadata = words == nil ? metadata : rest
    }

    /// A number of seconds as Python writes a whole one: `10`, but `0.25`.
    static func seconds(_ value: Double) -> String { Int64(exactly: value).map { "\($0)" } ?? "\(value)" }

    /// The words for what happens to the worker itself; nil if it is something else.
    private static func ofWorker(_ message: String, _ rest: inout Logger.Metadata) -> String? {
        switch message {
        case "lost the connection to the broker":
            return "consumer: Connection to broker lost. Trying to re-establish the connection..."
        case "the connection to the broker is back":
            return "Skipping prefetch count reduction after connection restart"
        case "messages have gone back to their queues":
            guard let count = take("messages", from: &rest) else { return nil }
            return "Restoring \(count) unacknowledged message(s)"
        default:
            return nil
        }
    }

    /// The words for what happens to a task; nil if it is something else.
    private static func ofTask(_ message: String, _ rest: inout Logger.Metadata) -> String? {
        guard let name = take("task", from: &rest), let id = take("task-id", from: &rest) else { return nil }
        let task = "\(name)[\(id)]"
        switch message {
        case "task received":
            return "Task \(task) received"
        case "task succeeded":
            let seconds = take("seconds", from: &rest).map { " in \($0)s" } ?? ""
            let result = take("result", from: &rest).map { ": \($0)" } ?? ""
            return "Task \(task) succeeded\(seconds)\(result)"
        case "task failed":
            guard let error = take("error", from: &rest) else { return nil }
            return "Task \(task) raised unexpected: \(error)"
        case "task is retried":
            guard let delay = takeSeconds(from: &rest), let error = take("error", from: &rest) else { return nil }
            return "Task \(task) retry: Retry in \(delay)s: \(error)"
        case "task is revoked":
            // One that runs is terminated, and nothing of it is discarded.
            guard take("how", from: &rest) == "revoked" else { return nil }
            return "Discarding revoked task: \(task)"
        case "task passed its hard time limit; its slot is taken until the handler returns":
            guard let limit = takeSeconds(from: &rest) else { return nil }
            return "Hard time limit (\(limit)s) exceeded for \(task); its slot is taken until the handler returns"
        default:
            return nil
        }
    }

    private static func take(_ key: String, from rest: inout Logger.Metadata) -> String? {
        rest.removeValue(forKey: key).map { "\($0)" }
    }

    /// The seconds of a message, to hundredths.
    private static func takeSeconds(from rest: inout Logger.Metadata) -> String? {
        take("seconds", from: &rest).flatMap { Double($0) }.map { seconds(($0 * 100).rounded() / 100) }
    }
}
