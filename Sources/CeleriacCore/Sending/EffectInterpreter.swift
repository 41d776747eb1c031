/// Carries out effects at a broker and a result store.
///
/// A worker's ``EffectPipeline`` orders plans, lets them share round trips, and tries again. A ``TaskClient`` does none
/// of that: it carries out one publication after another and throws. This type defines what an effect *does*, once for
/// both.
struct EffectInterpreter: Sendable {
    let broker: any MessageBroker
    let store: (any ResultStore)?

    /// Publishes messages, in one round trip.
    func publish(_ messages: [OutgoingMessage]) async throws {
        if !messages.isEmpty { try await broker.publish(messages) }
    }

    /// Stores states, in one round trip. Without a result store it does nothing.
    func store(_ records: [ResultRecord]) async throws { try await store?.store(records) }

    /// Carries out operations of chords, in one round trip. It does nothing if the store does not count chords.
    ///
    /// - Returns: for each operation the chord that it completed; nil if it completed none.
    /// - Throws: the store's error.
    func perform(_ operations: [ChordOperation]) async throws -> [ChordCompletion?] {
        guard let store, store.countsChords else { return operations.map { _ in nil } }
        return try await store.perform(operations)
    }

    /// Carries out the steps of publications. States are stored before messages are published, and a chord's step waits
    /// for all steps before it; otherwise each kind shares one round trip.
    ///
    /// - Parameters:
    ///   - steps: the steps, in order.
    ///   - limit: how many messages to publish before the broker has confirmed those before them.
    ///   - publish: publishes messages; nil to publish them once.
    /// - Throws: the error of the broker or the store; later steps are not carried out then.
    func carryOut(
        _ steps: [Publication.Step], unconfirmed limit: Int = .max,
        publish: (@Sendable ([OutgoingMessage]) async throws -> Void)? = nil
    ) async throws {
        let publish = publish ?? self.publish
        var records: [ResultRecord] = []
        var messages: [OutgoingMessage] = []
        for step in steps {
            switch step {
            case .publish(let more): messages.append(contentsOf: more)
            case .store(let record): records.append(record)
            case .chord(let preparation):
                try await carryOut(&records, &messages, unconfirmed: limit, publish)
                _ = try await perform([preparation.operation])
            }
        }
        try await carryOut(&records, &messages, unconfirmed: limit, publish)
    }

    private func carryOut(
        _ records: inout [ResultRecord], _ messages: inout [OutgoingMessage], unconfirmed limit: Int,
        _ publish: ([OutgoingMessage]) async throws -> Void
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
