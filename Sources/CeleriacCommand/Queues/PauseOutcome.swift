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

    /// Adds what workers answered.
    mutating func add(_ replies: [NodeReply], about queue: String) {
        for reply in replies {
            let error = reply.value["error"]
            let text = PythonText.str(error ?? reply.value["ok"] ?? reply.value)
            answers.append(Answer(queue: queue, node: reply.node, text: text, isRefusal: error != nil))
            if error != nil { isComplete = false }
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
