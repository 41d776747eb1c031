public import CeleriacCore
public import CeleriacWire

/// One call of a remote control command.
public struct CeleryControlCall: Sendable {
    /// The worker that is called.
    public let worker: WorkerControl
    /// The arguments, by name.
    public let arguments: WireObject
    let method: String
    let node: CeleryControlNode

    /// An argument; nil where it is missing or null.
    public subscript(name: String) -> WireValue? {
        guard let value = arguments[name], !value.isNull else { return nil }
        return value
    }

    /// An argument that must be given.
    ///
    /// - Throws: a ``TaskFailure`` `TypeError` if it is missing.
    public func required(_ name: String) throws -> WireValue {
        guard let value = arguments[name] else {
            throw TaskFailure("TypeError", "\(method)() missing 1 required positional argument: '\(name)'")
        }
        return value
    }

    /// An argument that must be given and must be text.
    ///
    /// - Throws: a ``TaskFailure`` `TypeError` if it is not.
    public func text(_ name: String) throws -> String {
        guard let text = try required(name).stringValue else {
            throw TaskFailure("TypeError", "\(method)() argument '\(name)' must be str")
        }
        return text
    }

    /// An argument that is a whole number, within what has a negative too.
    ///
    /// - Throws: a ``TaskFailure`` `TypeError` if it is something else.
    func number(_ name: String, default value: Int) throws -> Int {
        guard let argument = arguments[name], !argument.isNull else { return value }
        guard let number = argument.intValue, Int32(exactly: number) != nil else {
            throw TaskFailure("TypeError", "\(method)() argument '\(name)' must be a small int")
        }
        return number
    }

    /// An argument that is one text or a list of them.
    func texts(_ name: String) throws -> [String] {
        switch try required(name) {
        case .string(let text): return [text]
        case .null: return []
        case .array(let values):
            return try values.map { value in
                guard let text = value.stringValue else {
                    throw TaskFailure("TypeError", "\(method)() argument '\(name)' must be a list of str")
                }
                return text
            }
        default: throw TaskFailure("TypeError", "\(method)() argument '\(name)' must be str or a list of str")
        }
    }
}
