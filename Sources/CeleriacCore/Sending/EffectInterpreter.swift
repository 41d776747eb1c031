/// Carries out effects at a broker and a result store.
///
/// A worker's ``EffectPipeline`` puts plans in order, shares round trips among them and tries again; a ``TaskClient`` does none
/// of that: it carries out one publication after another and throws. What an effect *does* is said here, once for both.
struct EffectInterpreter: Sendable {
    let broker: any MessageBroker
    let store: (any ResultStore)?

    /// Publishes messages, in one round trip.
    func publish(_ messages: [OutgoingMessage]) async throws {
        if !messages.isEmpty { try await broker.publish(messages) }
    }

    /// Stores states, in one round trip; nothing where no results are kept.
    func store(_ records: [ResultRecord]) async throws { try await store?.store(records) }

    /// Carries out operations of chords, in one round trip; nothing where the store does not count them.
    ///
    /// - Returns: for each operation what it completed, if anything.
    func perform(_ operations: [ChordOperation]) async throws -> [ChordCompletion?] {
        guard let store, store.countsChords else { return operations.map { _ in nil } }
        return try await store.perform(operations)
    }

    /// Carries out the steps of publications. States are stored before messages are published, and a chord's step waits for
    /// all steps before it; otherwise each kind shares one round trip.
    ///
    /// - Parameter limit: how many messages are published before the broker has confirmed those before them.
    func carryOut(_ steps: [Publication.Step], unconfirmed limit: Int = .max) async throws {
        var records: [ResultRecord] = []
        var messages: [OutgoingMessage] = []
        for step in steps {
            switch step {
            case .publish(let more): messages.append(contentsOf: more)
            case .store(let record): records.append(record)
            case .chord(let preparation):
                try await carryOut(&records, &messages, unconfirmed: limit)
                _ = try await perform([preparation.operation])
            }
        }
        try await carryOut(&records, &messages, unconfirmed: limit)
    }

    private func carryOut(
        _ records: inout [ResultRecord], _ messages: inout [OutgoingMessage], unconfirmed limit: Int
    ) async throws {
        if !records.isEmpty { try await store(records) }
        records = []
        var rest = messages[...]
        messages = []
        while !rest.isEmpty {
            try await publish(Array(rest.prefix(max(1, limit))))
            rest = rest.dropFirst(max(1, limit))
        }
    }
}
