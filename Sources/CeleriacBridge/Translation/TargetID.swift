import CeleriacCore
import CeleryDialect
import MachineryDialect
import MachineryWire

/// The id of a task at the target, which follows from its id at the source: whoever forwards a message again, forwards the
/// same task, and a person finds one by the other.
///
/// A retry is another task at the target, since the first one has ended there with a failure that stays.
enum TargetID {
    private static let prefix = "task_"

    /// The id of a request's task.
    static func made(of request: TaskRequest, for target: BridgeDialect) -> String {
        let attempt = request.machinerySignature?.retryCount ?? request.retries
        let suffix = attempt > 0 ? "-r\(attempt)" : ""
        return made(of: request.id, for: target) + suffix
    }

    /// The id of a task that was not retried.
    static func made(of id: String, for target: BridgeDialect) -> String {
        switch target {
        case .celery:
            let bare = id.hasPrefix(prefix) ? String(id.dropFirst(prefix.count)) : id
            return bare.isEmpty ? id : bare
        case .machinery: return prefix + id
        }
    }
}
