import CeleriacCore
import CeleriacWire

/// Signals by their names, as callers of `terminate` name them.
enum Signal {
    /// SIGTERM.
    static let terminate: Int32 = 15

    /// The number of a signal; SIGTERM where none is named.
    ///
    /// - Throws: a ``TaskFailure`` as Python raises it for what is no signal.
    static func number(_ value: WireValue?) throws -> Int32 {
        switch value {
        case nil, .null?: return terminate
        case .int(let number)?:
            guard let number = Int32(exactly: number), (1...64).contains(number) else {
                throw TaskFailure("ValueError", "signal number out of range")
            }
            return number
        case .string(let name)?:
            guard name.uppercased() == name else {
                throw TaskFailure("TypeError", "signal name must be uppercase string.")
            }
            let short = name.hasPrefix("SIG") ? String(name.dropFirst(3)) : name
            guard let number = numbers[short] else {
                throw TaskFailure("AttributeError", "module 'signal' has no attribute 'SIG\(short)'")
            }
            return number
        default: throw TaskFailure("TypeError", "signal name must be uppercase string.")
        }
    }

    /// Linux's numbers: they are only told on, to monitors.
    private static let numbers: [String: Int32] = [
        "HUP": 1, "INT": 2, "QUIT": 3, "ABRT": 6, "KILL": 9, "USR1": 10, "USR2": 12, "ALRM": 14, "TERM": 15,
        "CONT": 18, "STOP": 19,
    ]
}
