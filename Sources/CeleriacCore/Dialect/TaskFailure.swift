public import CeleriacWire

/// A task's failure as the wire carries it. Throw one from a handler to choose what a Python caller catches.
///
/// ```swift
/// throw TaskFailure("ValueError", "negative width")          // raises ValueError('negative width') in Python
/// ```
public struct TaskFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// The exception's class name, for instance `ValueError`.
    public var type: String
    /// The module of the class; nil for a built-in exception of the peer's language. Python rebuilds the class only from
    /// a module that the reader has imported; otherwise it makes one of that name.
    public var module: String?
    /// The exception's arguments.
    public var arguments: [WireValue]
    /// Where it happened, for a person. Free text.
    public var traceback: String?

    /// Makes a failure.
    public init(type: String, module: String? = nil, arguments: [WireValue], traceback: String? = nil) {
        self.type = type
        self.module = module
        self.arguments = arguments
        self.traceback = traceback
    }

    /// A failure with a message as its one argument.
    public init(_ type: String, module: String? = nil, _ message: String) {
        self.init(type: type, module: module, arguments: [.string(message)])
    }

    /// The qualified type. The arguments are user data and not shown.
    public var description: String { module.map { "\($0).\(type)" } ?? type }
}

extension TaskFailure {
    /// The failure that stands for an error which a handler threw.
    ///
    /// A ``TaskFailure`` stays what it is, and a ``RemoteTaskError`` becomes the failure that it tells of. Any other error
    /// becomes an exception of its Swift type's name in the module `swift.<Module>`, which no reader has imported, so that
    /// it never resolves to something else there; its argument is the error's description.
    package init(_ error: any Error) {
        if let failure = error as? TaskFailure {
            self = failure
        } else if let remote = error as? RemoteTaskError {
            self = remote.failure
        } else {
            let module = String(reflecting: Swift.type(of: error)).prefix { $0 != "." }
            self.init(
                type: String(describing: Swift.type(of: error)), module: "swift.\(module)",
                arguments: [.string(String(describing: error))])
        }
    }
}
