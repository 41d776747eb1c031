import CeleriacCore
import CeleriacWire
import CeleryDialect

/// What workers reply to the question whether they take tasks, as a probe wants to have it: a line for each worker, and
/// one answer.
struct ReadinessProbe: Equatable {
    /// A worker that has replied, or was asked by name.
    private struct Worker: Equatable {
        let node: String
        /// Why it takes no tasks; empty if it takes them, nil if it does not reply.
        let reasons: [String]?
    }

    /// In the order of their names.
    private let workers: [Worker]

    /// Judges.
    ///
    /// - Parameters:
    ///   - replies: what workers reply to ``CeleryControl/readiness()``.
    ///   - asked: the node names of those that were asked; nil for all workers.
    init(_ replies: [ControlReply<[String]>], asked: [String]?) {
        let replied = replies.map { reply -> Worker in
            switch reply.result {
            case .success(let reasons): Worker(node: reply.node, reasons: reasons)
            case .failure(let error): Worker(node: reply.node, reasons: [error.message])
            }
        }
        let silent = Set(asked ?? []).subtracting(replied.map(\.node)).map { Worker(node: $0, reasons: nil) }
        workers = (replied + silent).sorted { $0.node < $1.node }
    }

    /// Whether all of them take tasks, and there is one.
    var isReady: Bool { !workers.isEmpty && workers.allSatisfy { $0.reasons == [] } }

    /// The exit status of the probe: 0, or 69 as with the other verbs that get no reply.
    var status: Int32 { isReady ? 0 : 69 }

    /// A line for each of them.
    var lines: [String] {
        if workers.isEmpty { return ["no worker has replied"] }
        return workers.map { worker in
            guard let reasons = worker.reasons else { return "\(worker.node): no reply".printable }
            let answer = reasons.isEmpty ? "ready" : "not ready: \(reasons.joined(separator: "; "))"
            return "\(worker.node): \(answer)".printable
        }
    }

    /// The same as JSON: by node `ready`, and the `reasons` why not.
    var object: WireObject {
        let pairs = workers.map { worker -> (String, WireValue) in
            let reasons = worker.reasons ?? ["no reply"]
            let answer: WireObject = [
                "ready": .bool(reasons.isEmpty), "reasons": .array(reasons.map { .string($0) }),
            ]
            return (worker.node, .object(answer))
        }
        return WireObject(pairs)
    }
}
