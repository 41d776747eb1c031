public import CeleriacWire

/// A task with its arguments and options, ready to be sent; or several tasks that belong together (a chain, group or
/// chord). Celery's `signature`.
public struct Signature<Result: Sendable>: Sendable {
    /// The name of the task; of tasks that belong together, `chain`, `group` or `chord`.
    public let task: String
    /// How the task is sent and run. Options given to `send` take precedence.
    public var options: SendOptions
    /// Whether it ignores the result of the task before it in a chain.
    public var isImmutable = false
    private var links: [@Sendable (WireEncoder) throws -> Submission] = []
    private var errorLinks: [@Sendable (WireEncoder) throws -> Submission] = []
    let resultCoding: ResultCoding<Result>
    private let make: @Sendable (WireEncoder) throws -> Submission

    init(
        task: String,
        resultCoding: ResultCoding<Result>,
        encodeArguments: @escaping @Sendable (WireEncoder) throws -> EncodedArguments
    ) {
        self.init(name: task, resultCoding: resultCoding) { encoder in
            let arguments = try encodeArguments(encoder)
            return .task(
                TaskSubmission(
                    id: randomUUID(), name: task, arguments: arguments.positional,
                    keywordArguments: arguments.keywords))
        }
    }

    init(
        name: String, resultCoding: ResultCoding<Result>,
        make: @escaping @Sendable (WireEncoder) throws -> Submission
    ) {
        self.task = name
        self.options = SendOptions()
        self.resultCoding = resultCoding
        self.make = make
    }

    /// Returns this signature with other options: those that `options` sets replace its own.
    public func with(_ options: SendOptions) -> Signature {
        var copy = self
        copy.options = self.options.overridden(by: options)
        return copy
    }

    /// Returns this signature, made to ignore the result of the task before it in a chain: Celery's `si`.
    public func immutable() -> Signature {
        var copy = self
        copy.isImmutable = true
        return copy
    }

    /// Returns this signature with a callback that the worker sends when the task has succeeded, with the result in
    /// front of the callback's own arguments: Celery's `link`.
    public func onSuccess<Other>(_ callback: Signature<Other>) -> Signature {
        var copy = self
        copy.links.append { try callback.submission($0) }
        return copy
    }

    /// Returns this signature with a callback that the worker sends when the task has succeeded, and that takes its
    /// result.
    public func onSuccess<Other: Sendable>(_ callback: TaskDefinition<Result, Other>) -> Signature
    where Result: Codable {
        onSuccess(
            Signature<Other>(task: callback.name, resultCoding: callback.resultCoding) { _ in EncodedArguments() }
                .with(callback.options))
    }

    /// Returns this signature with a callback that the worker sends when the task has failed, and that takes the id of
    /// the failed task.
    public func onFailure<Other: Sendable>(_ errback: TaskDefinition<String, Other>) -> Signature {
        onFailure(
            Signature<Other>(task: errback.name, resultCoding: errback.resultCoding) { _ in EncodedArguments() }
                .with(errback.options))
    }

    /// Returns this signature with a callback that the worker sends when the task has failed, with the id of the failed
    /// task in front of the callback's own arguments: Celery's `link_error`.
    public func onFailure<Other>(_ errback: Signature<Other>) -> Signature {
        var copy = self
        copy.errorLinks.append { try errback.submission($0) }
        return copy
    }

    /// The arguments, all of which must be positional.
    package func positionalArguments(_ encoder: WireEncoder) throws -> [WireValue] {
        guard case .task(let task) = try submission(encoder), task.keywordArguments.isEmpty else {
            throw CeleriacError(.argumentMismatch, "\(self.task) has keyword arguments, which cannot be sent here")
        }
        return task.arguments
    }

    /// The signature with its arguments encoded.
    func submission(_ encoder: WireEncoder) throws -> Submission {
        try make(encoder).with(
            options: options, links: links.map { try $0(encoder) }, errorLinks: errorLinks.map { try $0(encoder) },
            isImmutable: isImmutable)
    }
}

extension Signature where Result == WireValue {
    /// Makes a signature without types, for a task that is known only by its name.
    ///
    /// - Parameters:
    ///   - task: the task's name.
    ///   - arguments: positional arguments, in the form of the dialect's wire.
    ///   - keywordArguments: keyword arguments, in the form of the dialect's wire.
    public init(_ task: String, arguments: [WireValue] = [], keywordArguments: WireObject = [:]) {
        self.init(task: task, resultCoding: .wire) { _ in
            EncodedArguments(positional: arguments, keywords: keywordArguments)
        }
    }

    /// Makes a signature that is already in a dialect's own form.
    package init(native signature: any NativeSignature, name: String) {
        self.init(name: name, resultCoding: .wire) { _ in .native(signature) }
    }
}

extension Signature where Result: Codable {
    /// Makes a signature whose keyword arguments are encoded when it is sent.
    package init(_ task: String, keywordArguments: @escaping @Sendable (WireEncoder) throws -> WireObject) {
        self.init(task: task, resultCoding: .codable) { EncodedArguments(keywords: try keywordArguments($0)) }
    }

    /// Makes a signature with untyped arguments and a typed result.
    public init(_ task: String, arguments: [WireValue], keywordArguments: WireObject = [:], returning: Result.Type) {
        self.init(task: task, resultCoding: .codable) { _ in
            EncodedArguments(positional: arguments, keywords: keywordArguments)
        }
    }
}
