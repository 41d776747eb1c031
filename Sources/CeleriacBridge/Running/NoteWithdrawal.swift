import CeleriacCore

/// The failure at the target by which a note ends whose task the target has refused. It is stored there, because any bridge
/// may hold the note, or get it later, and all of them look for the task's result. It names the note: the task may be sent
/// once more, with another note.
enum NoteWithdrawal {
    private static let words = "a bridge has withdrawn the task with its note "

    /// The state to store, as the target's dialect has it.
    ///
    /// - Parameters:
    ///   - key: the note's key.
    ///   - id: the task's id at the target.
    ///   - messages: the messages that the target has refused.
    ///   - run: the route.
    /// - Returns: the state; empty if the dialect cannot make one.
    static func records(
        of key: String, _ id: String, _ messages: [OutgoingMessage], in run: RouteRun
    ) -> [ResultRecord] {
        let dialect = run.target.dialect
        let failure = dialect.failure(for: .unrunnable(MessageFault(reason: "withdrawn", detail: words + key)))
        for outgoing in messages {
            let delivery = Delivery(
                content: .success(outgoing.message), queue: run.route.targetQueue,
                receipt: Receipt(generation: 0, tag: 0))
            guard var request = try? dialect.request(of: outgoing.message, delivery: delivery), request.id == id else {
                continue
            }
            request.ignoresResult = false
            let context = EffectRun(run.target.client).context(for: request, nodeName: run.nodeName)
            let effects = (try? dialect.effects(of: .failure(failure), for: request, in: context)) ?? []
            // What follows the task was not sent either, and has no note of its own.
            return effects.compactMap { effect in
                guard case .store(let record) = effect, record.taskID == id else { return nil }
                return record
            }
        }
        return []
    }

    /// The key of the note that a result ends; nil for a result of the task itself.
    static func key(in result: TaskResult) -> String? {
        guard result.state == .failure, let text = result.error?.failure.text, let found = text.firstRange(of: words)
        else { return nil }
        return String(text[found.upperBound...].prefix { $0.isHexDigit || $0 == "-" })
    }
}
