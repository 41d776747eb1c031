public import CeleriacWire

/// Signatures of one result type that are sent side by side.
public struct GroupSignature<Element: Sendable>: Sendable {
    /// The members.
    public var members: [Signature<Element>]
    /// How all of them are sent and run.
    public var options = SendOptions()

    /// Makes a group.
    public init(_ members: [Signature<Element>]) { self.members = members }

    /// The group, and then a task that takes the list of its results: a chord.
    public func then<Next: Sendable>(_ body: TaskName<[Element], Next>) -> Signature<Next>
    where Element: Codable {
        then(
            Signature<Next>(task: body.name, resultCoding: body.resultCoding) { _ in EncodedArguments() }.with(
                body.options))
    }

    /// The group, and then something that takes the list of its results in front of its arguments: a chord. Types are not
    /// checked.
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

/// Signatures side by side.
public func group<Element>(_ members: [Signature<Element>]) -> GroupSignature<Element> { GroupSignature(members) }

/// Signatures side by side, and then a task that takes the list of their results.
public func chord<Element: Codable, Result>(
    _ header: [Signature<Element>], body: TaskName<[Element], Result>
) -> Signature<Result> {
    group(header).then(body)
}

/// Signatures side by side, and then something that takes the list of their results in front of its arguments. Types are
/// not checked.
public func chord<Element, Result>(_ header: [Signature<Element>], body: Signature<Result>) -> Signature<Result> {
    group(header).then(body)
}
