package import CeleriacCore
import CeleriacWire
import MachineryWire

import struct FoundationEssentials.Date

extension MachineryFormats {
    /// The effects of an outcome, in the order in which Machinery's worker carries them out.
    package func effects(of outcome: Outcome, for request: TaskRequest, in context: EffectContext)
        throws(CeleriacError) -> [Effect]
    {
        guard let task = request.machineryMessage else {
            throw CeleriacError(.unsupported, "the request was not read from a Machinery message")
        }
        let signature = task.signature
        switch outcome {
        case .success(let value):
            return try succeeded(signature, value, context)
        case .failure(let failure):
            // Arguments that cannot be converted will not convert the next time either.
            if signature.retryCount > 0, request.refusal == nil {
                return try retried(signature, context)
            }
            return try failed(signature, text(of: failure), context)
        case .retry(let eta, _, let arguments, let keywordArguments):
            var later = signature
            later.eta = GoTime(eta)
            if arguments != nil || keywordArguments != nil {
                later.args = try self.signature(
                    of: TaskSubmission(
                        id: "", name: signature.name, arguments: arguments ?? [],
                        keywordArguments: keywordArguments ?? [:]),
                    now: context.now
                ).args
            }
            return try sentAgain(later, context)
        case .timedOut(let limit):
            return try failed(signature, "the task passed its time limit of \(limit) s", context)
        case .expired:
            return try failed(signature, "the task expired", context)
        case .revoked:
            return try failed(signature, "the task was revoked", context)
        case .unregistered:
            return unregistered(signature, context)
        case .replaced:
            throw CeleriacError(.unsupported, "in Machinery nothing can take the place of a task that runs")
        case .ignored:
            return [.settle(.acknowledge)]
        case .cancelled:
            return [.settle(.requeue)]
        case .rejected(let requeue):
            if requeue { return [.settle(.requeue)] }
            // Go has no such end. The task never runs again, also if it has retries left: its callers and its group must
            // not wait for it.
            return try failed(signature, "the task was rejected", context, settling: .reject)
        }
    }

    /// The text that Go stores for an error.
    private func text(of failure: TaskFailure) -> String {
        if case .string(let text)? = failure.arguments.first { return text }
        return failure.type
    }

    // MARK: Success

    private func succeeded(
        _ signature: MachinerySignature, _ value: WireValue, _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        let results = try results(in: value)
        var (effects, record) = ([Effect](), ResultRecord?.none)
        // As at Go's null backend, nothing is encoded that nobody stores.
        if context.storesResult {
            let state = try self.record(
                .success, of: signature.uuid, named: signature.name, results: results, expiry: context.resultExpiry)
            effects.append(.store(state))
            record = state
        }
        for callback in signature.onSuccess ?? [] {
            var callback = callback
            // The flag of the finished task counts, not that of the callback.
            if !signature.immutable { callback.args = (callback.args ?? []) + results.map(\.argument) }
            effects += try sent(callback, context)
        }
        effects += try joined(signature, record, context)
        effects.append(.settle(.acknowledge))
        return effects
    }

    /// The results of a handler, typed or untyped.
    private func results(in value: WireValue) throws(CeleriacError) -> [MachineryResult] {
        if value.isNull { return [] }
        if case .array(let elements) = value {
            let results = elements.compactMap { MachineryResult(wire: $0) }
            if results.count == elements.count { return results }
        }
        do {
            let argument = try MachineryArgument(untyped: value)
            return [MachineryResult(type: GoType(name: argument.type)?.name ?? argument.type, value: argument.value)]
        } catch {
            throw CeleriacError(.unsupported, "the result has no type in Machinery", cause: error)
        }
    }

    // MARK: Failure

    private func failed(
        _ signature: MachinerySignature, _ text: String, _ context: EffectContext,
        settling disposition: Settlement.Disposition = .acknowledge
    ) throws(CeleriacError) -> [Effect] {
        let record = try record(
            .failure, of: signature.uuid, named: signature.name, error: text, expiry: context.resultExpiry)
        var effects = stored(record, context)
        effects += try told(signature.onError, text, context)
        effects += try joined(signature, record, isFailure: true, context)
        return effects + [.settle(disposition)]
    }

    /// Sends error callbacks; each gets the text as its first argument.
    func told(
        _ callbacks: [MachinerySignature]?, _ text: String, _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        var effects: [Effect] = []
        for callback in callbacks ?? [] {
            var callback = callback
            callback.args = [MachineryArgument(type: "string", value: .string(text))] + (callback.args ?? [])
            effects += try sent(callback, context)
        }
        return effects
    }

    private func retried(_ signature: MachinerySignature, _ context: EffectContext) throws(CeleriacError) -> [Effect] {
        var later = signature
        later.retryCount -= 1
        later.retryTimeout = Self.nextFibonacci(after: signature.retryTimeout)
        later.eta = GoTime(context.now.addingTimeInterval(Double(later.retryTimeout)))
        return try sentAgain(later, context)
    }

    /// The smallest number of 1, 2, 3, 5, 8, … that is larger. It never exceeds the first one above a year in seconds.
    static func nextFibonacci(after number: Int) -> Int {
        var (current, next) = (1, 2)
        while current <= number, current < 31_536_000 { (current, next) = (next, current + next) }
        return current
    }

    private func sentAgain(_ signature: MachinerySignature, _ context: EffectContext) throws(CeleriacError) -> [Effect]
    {
        let record = try record(
            .retry, of: signature.uuid, named: signature.name, expiry: context.resultExpiry)
        return try stored(record, context) + sent(signature, context) + [.settle(.acknowledge)]
    }

    private func unregistered(_ signature: MachinerySignature, _ context: EffectContext) -> [Effect] {
        if signature.ignoreWhenTaskNotRegistered { return [.settle(.reject)] }
        let times = context.timesGivenBack
        if let unregisteredAttempts, times >= unregisteredAttempts {
            let fault = MessageFault(
                reason: "unregistered",
                detail: "this worker gave it back \(times) times, and no other knew the task \(signature.name)")
            return [.settle(.park(fault))]
        }
        // Another worker may know the task. The pause keeps this worker from getting it back at once; it stays short,
        // because nobody else gets the message meanwhile. After two tries it lets those behind it pass: what this
        // worker can run may be among them.
        return [.pause(.milliseconds(250 << min(times, 3))), .giveBack(toEnd: times >= 2)]
    }

    // MARK: Parts

    func stored(_ record: ResultRecord, _ context: EffectContext) -> [Effect] {
        context.storesResult ? [.store(record)] : []
    }

    /// Sends a signature as Machinery's `SendTask` does: gives it an id if it has none, stores its state, then
    /// publishes the message.
    func sent(_ signature: MachinerySignature, _ context: EffectContext) throws(CeleriacError) -> [Effect] {
        var signature = signature
        if signature.uuid.isEmpty { signature.uuid = newTaskID() }
        let message = Effect.publish([
            try outgoing(signature, now: context.now, outbound: context.publication.outbound)
        ])
        guard context.storesResult else { return [message] }
        return [.store(try pending(signature, now: context.now, expiry: context.resultExpiry)), message]
    }
}
