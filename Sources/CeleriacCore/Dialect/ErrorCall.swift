public import CeleriacWire

/// A call of an error callback in this worker, with the request and the failure rather than by a message.
public struct ErrorCall: Sendable {
    /// The name under which it is registered.
    public var name: String
    /// The id of what failed: the request's own, or that of something that never ran because of it.
    public var failedID: String
    /// The arguments after the request and the failure.
    public var arguments: [WireValue]
    /// The keyword arguments.
    public var keywordArguments: WireObject
    /// What failed.
    public var failure: TaskFailure

    /// Makes a call.
    public init(
        name: String, failedID: String, arguments: [WireValue], keywordArguments: WireObject, failure: TaskFailure
    ) {
        self.failedID = failedID
        self.name = name
        self.arguments = arguments
        self.keywordArguments = keywordArguments
        self.failure = failure
    }
}
