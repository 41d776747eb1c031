import CeleriacWire

extension TaskFailure {
    /// The failure that stands for an error which a handler threw.
    ///
    /// A ``TaskFailure`` and a ``RemoteTaskError`` stay what they are. Any other error becomes an exception of its Swift
    /// type's name in the module `swift.<Module>`, which no reader has imported, so that it never resolves to something
    /// else there; its argument is the error's description.
    package init(_ error: any Error) {
        if let failure = error as? TaskFailure {
            self = failure
        } else if let remote = error as? RemoteTaskError {
            self.init(
                type: remote.type, module: remote.module, arguments: remote.arguments, traceback: remote.traceback)
        } else {
            let module = String(reflecting: Swift.type(of: error)).prefix { $0 != "." }
            self.init(
                type: String(describing: Swift.type(of: error)), module: "swift.\(module)",
                arguments: [.string(String(describing: error))])
        }
    }
}
