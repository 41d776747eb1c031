public import CeleriacWire

extension Signature {
    /// This, and then a task that takes its result.
    public func then<Next: Sendable>(_ next: TaskName<Result, Next>) -> Signature<Next>
    where Result: Codable {
        then(partial: next.name, [], coding: next.resultCoding, options: next.options)
    }

    /// This, and then a task that takes its result and one argument more.
    public func then<Second: Codable & Sendable, Next: Sendable>(
        _ next: TaskName<Result, Second, Next>, _ second: Second
    ) -> Signature<Next> where Result: Codable {
        then(
            partial: next.name, [{ try $0.encode(argument: second) }], coding: next.resultCoding, options: next.options)
    }

    /// This, and then a task that takes its result and two arguments more.
    public func then<Second: Codable & Sendable, Third: Codable & Sendable, Next: Sendable>(
        _ next: TaskName<Result, Second, Third, Next>, _ second: Second, _ third: Third
    ) -> Signature<Next> where Result: Codable {
        then(
            partial: next.name, [{ try $0.encode(argument: second) }, { try $0.encode(argument: third) }],
            coding: next.resultCoding, options: next.options)
    }

    /// This, and then something whose arguments come after the result, or that is ``immutable()``. Types are not checked:
    /// the untyped door.
    public func then<Next>(_ next: Signature<Next>) -> Signature<Next> {
        Signature<Next>(name: "chain", resultCoding: next.resultCoding) { encoder in
            let (own, other) = (try self.submission(encoder), try next.submission(encoder))
            if case .chain(let steps, let options) = own, options.isPlain { return .chain(steps + [other], options) }
            return .chain([own, other], SubmissionOptions())
        }
    }

    private func then<Next: Sendable>(
        partial task: String, _ arguments: [@Sendable (WireEncoder) throws -> WireValue], coding: ResultCoding<Next>,
        options: SendOptions
    ) -> Signature<Next> {
        then(
            Signature<Next>(task: task, resultCoding: coding) { encoder in
                EncodedArguments(positional: try arguments.map { try $0(encoder) })
            }.with(options))
    }
}

extension SubmissionOptions {
    /// Whether nothing is said.
    var isPlain: Bool { options == SendOptions() && links.isEmpty && errorLinks.isEmpty && !isImmutable }
}

/// Signatures one after another, each getting the result of the one before in front of its arguments. Types are not
/// checked between them: use ``Signature/then(_:)`` where they are known.
public func chain(_ steps: [Signature<WireValue>]) -> Signature<WireValue> {
    Signature(name: "chain", resultCoding: .wire) { encoder in
        .chain(try steps.map { try $0.submission(encoder) }, SubmissionOptions())
    }
}

extension WireEncoder {
    /// Writes an argument as the dialect wants it.
    fileprivate func encode<Argument: Encodable>(argument: Argument) throws -> WireValue {
        try coding.callCoding?.encodeArgument(argument) ?? encode(argument)
    }
}
