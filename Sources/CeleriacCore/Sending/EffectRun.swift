import NIOConcurrencyHelpers

/// Carries out what follows from an outcome for one who is no worker: the message of the task is not at hand, or somebody
/// else settles it. The effects are done one after another, as ``Effect`` has them.
package struct EffectRun: Sendable {
    /// Where a step is done.
    package enum Side: Sendable {
        case broker, store
    }

    /// Does a step until its side is in reach, or throws.
    package typealias Patience =
        @Sendable (_ side: Side, _ step: @Sendable () async throws -> Void) async throws -> Void

    private let client: TaskClient

    /// Makes a run at the broker and the result store of a client.
    package init(_ client: TaskClient) { self.client = client }

    /// What the dialect may know of one who answers for a request with the means of this client.
    ///
    /// - Parameters:
    ///   - request: the request.
    ///   - nodeName: who answers.
    /// - Returns: the context of an outcome.
    package func context(for request: TaskRequest, nodeName: String) -> EffectContext {
        EffectContext(
            nodeName: nodeName, now: client.timers.now,
            storesResult: client.store?.discardsResults == false && request.ignoresResult != true,
            taskOptions: TaskOptions(), resultExpiry: client.configuration.resultExpiry,
            publication: client.publicationContext())
    }

    /// Carries out effects. It skips those of a delivery and calls in the worker, which only a worker can do.
    ///
    /// - Parameters:
    ///   - effects: the effects, in order.
    ///   - request: the request from whose outcome they follow.
    ///   - context: the context of that outcome.
    ///   - patience: does each step, and may do it again.
    /// - Throws: the error of the broker or the store; later effects are not carried out then.
    package func carryOut(
        _ effects: [Effect], for request: TaskRequest, in context: EffectContext, patience: Patience
    ) async throws {
        let interpreter = client.interpreter
        var rest = effects
        while let effect = rest.first {
            rest.removeFirst()
            switch effect {
            case .publish(let messages): try await patience(.broker) { try await interpreter.publish(messages) }
            case .store(let record): try await patience(.store) { try await interpreter.store([record]) }
            case .chord(var operation):
                // Who answered before may have completed the chord, and not published the body.
                if case .add(let part) = operation, request.redelivered { operation = .add(part.cameBack()) }
                let completions = try await perform(operation, patience)
                guard let completion = completions.first ?? nil, case .add(let part) = operation else { break }
                // Another has the right to publish the body, and may have died.
                if let held = completion.heldFor {
                    rest.insert(contentsOf: [.pause(held), .chord(.add(part.addedAgain()))], at: 0)
                } else {
                    rest.insert(
                        contentsOf: client.dialect.effects(of: completion, of: part, for: request, in: context), at: 0)
                }
            case .pause(let duration): try await client.timers.sleep(for: duration)
            case .call, .settle, .giveBack: break
            }
        }
    }

    private func perform(_ operation: ChordOperation, _ patience: Patience) async throws -> [ChordCompletion?] {
        let completions = CompletionBox()
        try await patience(.store) { [client] in completions.set(try await client.interpreter.perform([operation])) }
        return completions.value
    }
}

/// What a step that may be done again has returned.
private final class CompletionBox: Sendable {
    private let box = NIOLockedValueBox<[ChordCompletion?]>([])

    var value: [ChordCompletion?] { box.withLockedValue { $0 } }

    func set(_ completions: [ChordCompletion?]) { box.withLockedValue { $0 = completions } }
}
