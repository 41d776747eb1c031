import Celeriac
import CeleriacWire
import CeleryDialect

extension ReplyTrouble {
    /// What is wrong, each with what to do about it.
    var notices: [(text: String, advice: String)] {
        var notices: [(text: String, advice: String)] = []
        if !sharedNames.isEmpty {
            let names = sharedNames.sorted().map(\.printable).joined(separator: ", ")
            notices.append(
                (
                    "several workers have the same node name: \(names)",
                    "give each a name of its own (worker --hostname); JSON by name shows one of them"
                ))
        }
        if let unreadable {
            notices.append(
                (
                    unreadable,
                    "the workers that sent them are missing: they reply in the form of their task_serializer, which is to be "
                        + "json, msgpack or yaml, or signed by a key that is known here (--config)"
                ))
        }
        return notices
    }

    /// How many replies cannot be read, and why; nil if all could.
    var unreadable: String? {
        if unreadableCount == 0 { return nil }
        let count = unreadableCount.counting("reply of a worker", "replies of workers")
        return "\(count) cannot be read (\(reasons.map(\.printable).joined(separator: "; ")))"
    }

    /// What `doctor` says of it.
    var findings: [Finding] { notices.map { .warning("replies", $0.text, $0.advice) } }
}

extension CeleryApp {
    /// Warns on standard error of what was wrong with replies: standard output is for the replies themselves.
    func warnOfReplies() {
        for notice in control.trouble.notices { CommandEnvironment.say("Warning: \(notice.text): \(notice.advice).") }
    }
}
