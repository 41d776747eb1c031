import CeleriacCore
import CeleryDialect

/// What workers reply to the question whether they take tasks, as a probe wants to have it: a line for each worker, and
/// one answer.
struct ReadinessProbe: Equatable {
    /// A line for each worker that has replied, or was asked by name.
    let lines: [String]
    /// Whether all of them take tasks, and there is one.
    let isReady: Bool

    /// Judges.
    ///
    /// - Parameters:
    ///   - replies: what workers reply to ``CeleryControl/readiness()``.
    ///   - asked: the node names of those that were asked; nil for all workers.
    init(_ replies: [ControlReply<[String]>], asked: [String]?) {
        var lines: [String] = []
        var isReady = !replies.isEmpty
        for reply in replies {
            switch reply.result {
            case .success(let reasons) where reasons.isEmpty: lines.append("\(reply.node): ready")
            case .success(let reasons):
                lines.append("\(reply.node): not ready: \(reasons.joined(separator: "; "))")
                isReady = false
            case .failure(let error):
                lines.append("\(reply.node): not ready: \(error.message)")
                isReady = false
            }
        }
        let replied = Set(replies.map(\.node))
        for node in asked ?? [] where !replied.contains(node) && !lines.contains("\(node): no reply") {
            lines.append("\(node): no reply")
            isReady = false
        }
        self.lines = lines.isEmpty ? ["no worker has replied"] : lines
        self.isReady = isReady
    }

    /// The exit status of the probe: 0, or 69 as with the other verbs that get no reply.
    var status: Int32 { isReady ? 0 : 69 }
}
