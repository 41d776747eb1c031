public import CeleriacWire

// MARK: Chains

extension Signature {
    /// Makes a chain of this and a task that takes its result.
    public func then<Next: Sendable>(_ next: TaskDefinition<Result, Next>) -> Signature<Next>
    where Result: Codable {
        then(partial: next.name, [], coding: next.resultCoding, options: next.options)
    }

    /// Makes a chain of this and a task that takes its result and one more argument.
    public func then<Second: Codable & Sendable, Next: Sendable>(
        _ next: TaskDefinition<Result, Second, Next>, _ second: Second
    ) -> Signature<Next> where Result: Codable {
        then(
            partial: next.name, [{ try $0.encode(argument: second) }], coding: next.resultCoding, options: next.options)
    }

    /// Makes a chain of this and a task that takes its result and two more arguments.
    public func then<Second: Codable & Sendable, Third: Codable & Sendable, Next: Sendable>(
        _ next: TaskDefinition<Result, Second, Third, Next>, _ second: Second, _ third: Third
    ) -> Signature<Next> where Result: Codable {
        then(
            partial: next.name, [{ try $0.encode(argument: second) }, { try $0.encode(argument: third) }],
            coding: next.resultCoding, options: next.options)
    }

    /// Makes a chain of this and a signature that takes the result in front of its own arguments, unless it is
    /// ``immutable()``. Types are not checked.
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

/// Makes a chain: each signature gets the result of the one before in front of its arguments. Types are not checked
/// between them; use ``Signature/then(_:)-(TaskDefinition<Result,Next>)`` where they are known.
public func chain(_ steps: [Signature<WireValue>]) -> Signature<WireValue> {
    Signature(name: "chain", resultCoding: .wire) { encoder in
        .chain(try steps.map { try $0.submission(encoder) }, SubmissionOptions())
    }
}

extension WireEncoder {
    /// Encodes an argument in the dialect's form.
    fileprivate func encode<Argument: Encodable>(argument: Argument) throws -> WireValue {
        try coding.callCoding?.encodeArgument(argument) ?? encode(argument)
    }
}

// MARK: Groups and chords

/// Signatures of one result type whose tasks run side by side.
public struct GroupSignature<Element: Sendable>: Sendable {
    /// The members.
    public var members: [Signature<Element>]
    /// How all of them are sent and run.
    public var options = SendOptions()

    /// Makes a group.
    public init(_ members: [Signature<Element>]) { self.members = members }

    /// Makes a chord of this group and a task that takes the list of its results.
    public func then<Next: Sendable>(_ body: TaskDefinition<[Element], Next>) -> Signature<Next>
    where Element: Codable {
        then(
            Signature<Next>(task: body.name, resultCoding: body.resultCoding) { _ in EncodedArguments() }.with(
                body.options))
    }

    /// Makes a chord of this group and a signature that takes the list of its results in front of its own arguments.
    /// Types are not checked.
    public func then<Next>(_ body: Signature<Next>) -> Signature<Next> {
        Signature<Next>(name: "chord", resultCoding: body.resultCoding) { encoder in
            .chord(
                try members.map { try $0.submission(encoder) }, body: try body.submission(encoder),
                SubmissionOptions(options: options))
        }
    }

    /// The group as one signature, whose result is the list of all results.
    public func signature() -> Signature<WireValue> {
        Signature<WireValue>(name: "group", resultCoding: .wire) { try submission($0) }
    }

    func submission(_ encoder: WireEncoder) throws -> Submission {
        .group(try members.map { try $0.submission(encoder) }, SubmissionOptions(options: options))
    }
}

/// Makes a group of signatures.
public func group<Element>(_ members: [Signature<Element>]) -> GroupSignature<Element> { GroupSignature(members) }

/// Makes a chord of signatures and a task that takes the list of their results.
public func chord<Element: Codable, Result>(
    _ header: [Signature<Element>], body: TaskDefinition<[Element], Result>
) -> Signature<Result> {
    group(header).then(body)
}

/// Makes a chord of signatures and a body that takes the list of their results in front of its own arguments. Types are
/// not checked.
public func chord<Element, Result>(_ header: [Signature<Element>], body: Signature<Result>) -> Signature<Result> {
    group(header).then(body)
}
