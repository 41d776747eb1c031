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

    static func made(of request: TaskRequest, for target: BridgeDialect) -> String {
        let attempt = request.machinerySignature?.retryCount ?? request.retries
        let suffix = attempt > 0 ? "-r\(attempt)" : ""
        switch target {
        case .celery:
            let id = request.id.hasPrefix(prefix) ? String(request.id.dropFirst(prefix.count)) : request.id
            return (id.isEmpty ? request.id : id) + suffix
        case .machinery: return prefix + request.id + suffix
        }
    }
}
