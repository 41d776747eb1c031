public import CeleriacCore
import CeleriacWire
import CeleryWire

/// One worker's reply to a remote control command.
public struct ControlReply<Value: Sendable>: Sendable {
    /// The worker's node name.
    public let node: String
    /// What the worker replies. The error is a ``CeleriacError``: `refused` if the worker does not know the command or
    /// cannot carry it out, with the worker's own words as the message; `resultMismatch` for a reply that Celery's
    /// workers do not give.
    public let result: Result<Value, CeleriacError>

    package init(node: String, result: Result<Value, CeleriacError>) {
        self.node = node
        self.result = result
    }

    init(_ reply: CeleryControlReply, to command: String, read: (WireValue) -> Value?) {
        node = reply.nodeName
        if let object = reply.value.objectValue, object.count == 1, let error = object["error"] {
            result = .failure(CeleriacError(.refused, error.stringValue ?? PythonRepr().text(of: error)))
        } else if let value = read(reply.value) {
            result = .success(value)
        } else {
            result = .failure(
                CeleriacError(.resultMismatch, "\(reply.nodeName) replies to \(command) what Celery's workers do not"))
        }
    }

    /// What the worker replies.
    ///
    /// - Throws: the error of ``result``.
    public func get() throws(CeleriacError) -> Value { try result.get() }
}
