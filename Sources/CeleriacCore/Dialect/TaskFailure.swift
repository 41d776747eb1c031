public import CeleriacWire

/// A task's failure as the wire carries it. Throw one from a handler to choose what a Python caller catches.
///
/// ```swift
/// throw TaskFailure("ValueError", "negative width")          // raises ValueError('negative width') in Python
/// ```
public struct TaskFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// The exception's class name, for instance `ValueError`.
    public var type: String
    /// The module of the class; nil for a built-in exception of the peer's language. Python rebuilds the class only
    /// from a module that the reader has imported; otherwise it makes a new class of that name.
    public var module: String?
    /// The exception's arguments.
    public var arguments: [WireValue]
    /// Where it happened: free text for a person.
    public var traceback: String?

    /// Makes a failure.
    public init(type: String, module: String? = nil, arguments: [WireValue], traceback: String? = nil) {
        self.type = type
        self.module = module
        self.arguments = arguments
        self.traceback = traceback
    }

    /// Makes a failure with a message as its only argument.
    public init(_ type: String, module: String? = nil, _ message: String) {
        self.init(type: type, module: module, arguments: [.string(message)])
    }

    /// The qualified type. It does not show the arguments, which are user data.
    public var description: String { module.map { "\($0).\(type)" } ?? type }

    /// The qualified type and the arguments, as they end a traceback in Python. Arguments are user data.
    package var text: String {
        let texts = arguments.map { value in
            value.stringValue
                ?? (try? WireJSON.encode(value, nonFinite: .allow)).map { String(decoding: $0, as: UTF8.self) } ?? "…"
        }.filter { !$0.isEmpty }
        return texts.isEmpty ? description : "\(description): \(texts.joined(separator: ", "))"
    }
}

extension TaskFailure {
    /// Makes the failure that stands for an error thrown by a handler.
    ///
    /// A ``TaskFailure`` stays as it is, and a ``RemoteTaskError`` becomes the failure in it. Any other error becomes
    /// an exception with the name of its Swift type in the module `swift.<Module>`. No reader has imported such a
    /// module, so the name never resolves to another class there. The exception's argument is the error's description.
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
