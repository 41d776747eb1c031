import CeleriacCore
import CeleriacWire

/// What became of queues that an operator pauses or resumes.
struct PauseOutcome: Sendable {
    /// What a worker answered about a queue.
    struct Answer: Sendable, Hashable {
        let queue: String
        let node: String
        let text: String
        let isRefusal: Bool
    }

    /// The answers.
    private(set) var answers: [Answer] = []
    /// What an operator should know, a sentence each.
    var notes: [String] = []
    /// Whether all that should be done is done.
    var isComplete = true

    init() {}

    /// Adds what workers answered: of one that is told again and again only what is new, which is a refusal.
    mutating func add(_ replies: [NodeReply], about queue: String) {
        for reply in replies {
            let error = reply.value["error"]
            if error == nil, answers.contains(where: { $0.queue == queue && $0.node == reply.node }) { continue }
            let text = PythonText.str(error ?? reply.value["ok"] ?? reply.value)
            answers.append(Answer(queue: queue, node: reply.node, text: text, isRefusal: error != nil))
            if error != nil { isComplete = false }
        }
    }

    /// Notes that no worker serves a queue, and whether the broker keeps that for workers that start later.
    mutating func pause(_ queue: String, keepsNote: Bool) {
        let later =
            keepsNote
            ? "and Swift workers that start later leave it out."
            : "but workers that start later serve it, for this transport keeps no note of it."
        notes.append("\(queue) is paused: no worker serves it, \(later)")
    }

    /// Notes that workers serve a queue although they were told not to.
    mutating func leave(_ queue: String, servedBy nodes: [String]) {
        isComplete = false
        notes.append("\(nodes.joined(separator: ", ")) still \(nodes.count == 1 ? "serves" : "serve") \(queue).")
    }

    /// Notes whether a worker has agreed to serve a queue again.
    ///
    /// - Parameters:
    ///   - queue: the queue.
    ///   - replies: what the workers answered.
    ///   - hadNote: whether the broker kept a note of its pause, which is gone now.
    mutating func resume(_ queue: String, servedBy replies: [NodeReply], hadNote: Bool) {
        if replies.contains(where: { $0.value["error"] == nil }) {
            notes.append("\(queue) is served again.")
        } else if hadNote {
            notes.append(
                "\(queue) is not paused any more: Swift workers that left it out when they started take it up.")
        } else {
            isComplete = false
            notes.append("No worker has agreed to serve \(queue).")
        }
    }

    /// The workers that serve a queue, by their replies to `active_queues`.
    static func nodes(serving queue: String, in replies: [NodeReply]) -> [String] {
        replies.filter { reply in
            reply.value.arrayValue?.contains { $0["name"]?.stringValue == queue } ?? false
        }.map(\.node).sorted()
    }

    /// Prints it.
    ///
    /// - Parameters:
    ///   - queues: the queues.
    ///   - verb: what was done to them, in the past.
    ///   - output: where it is printed.
    func show(_ queues: [String], verb: String, to output: CommandOutput) {
        let rows = answers.map { answer -> WireValue in
            [
                "queue": .string(answer.queue), "node": .string(answer.node), "answer": .string(answer.text),
                "refused": .bool(answer.isRefusal),
            ]
        }
        let object: WireObject = [
            "queues": .array(queues.map { .string($0) }), "done": .string(verb), "complete": .bool(isComplete),
            "answers": .array(rows), "notes": .array(notes.map { .string($0) }),
        ]
        output.show(object) {
            TextTable(
                ["QUEUE", "WORKER", "ANSWER"], answers.map { [$0.queue, $0.node, $0.text] },
                empty: "No worker was told."
            ).lines + notes.map(\.printable)
        }
    }
}
