public import CeleriacWire

/// A task with its arguments and options, ready to be sent: what Celery calls a signature.
public struct Signature<Result: Sendable>: Sendable {
    /// The task's name.
    public let task: String
    /// How it is to be sent and run. What `send` is given wins over these.
    public var options: SendOptions
    let resultCoding: ResultCoding<Result>
    let encodeArguments: @Sendable (WireEncoder) throws -> EncodedArguments

    init(
        task: String,
        resultCoding: ResultCoding<Result>,
        encodeArguments: @escaping @Sendable (WireEncoder) throws -> EncodedArguments
    ) {
        self.task = task
        self.options = SendOptions()
        self.resultCoding = resultCoding
        self.encodeArguments = encodeArguments
    }

    /// This signature with other options, those given in place of its own.
    public func with(_ options: SendOptions) -> Signature {
        var copy = self
        copy.options = self.options.overridden(by: options)
        return copy
    }
}

extension Signature where Result == WireValue {
    /// A signature without types, for tasks that are known by name only.
    ///
    /// - Parameters:
    ///   - task: the task's name.
    ///   - arguments: positional arguments, as the dialect's wire has them.
    ///   - keywordArguments: keyword arguments, as the dialect's wire has them.
    public init(_ task: String, arguments: [WireValue] = [], keywordArguments: WireObject = [:]) {
        self.init(task: task, resultCoding: .wire) { _ in
            EncodedArguments(positional: arguments, keywords: keywordArguments)
        }
    }
}

extension Signature where Result: Codable {
    /// A signature with untyped arguments and a typed result.
    public init(_ task: String, arguments: [WireValue], keywordArguments: WireObject = [:], returning: Result.Type) {
        self.init(task: task, resultCoding: .codable) { _ in
            EncodedArguments(positional: arguments, keywords: keywordArguments)
        }
    }
}
