import CeleriacWire

/// Reads the fields of an object as Go's `encoding/json` reads them into a struct: keys match regardless of case,
/// unknown keys are ignored, null leaves a field unchanged, and the last of several equal keys wins.
struct GoFields {
    /// What the object is, for error messages.
    let what: String

    func object(_ value: WireValue) throws(MachineryWireError) -> WireObject {
        switch value {
        case .object(let object): return object
        case .null: return [:]
        default: throw MachineryWireError(.invalidField, "\(what) is not an object")
        }
    }

    func text(_ value: WireValue, _ field: String, _ target: inout String) throws(MachineryWireError) {
        switch value {
        case .string(let text): target = text
        case .null: return
        default: throw mismatch(field, "text")
        }
    }

    func number(_ value: WireValue, _ field: String, _ target: inout Int) throws(MachineryWireError) {
        switch value {
        case .int(let number):
            guard let number = Int(exactly: number) else { throw mismatch(field, "an integer of 64 bits") }
            target = number
        case .null: return
        default: throw mismatch(field, "an integer of 64 bits")
        }
    }

    func flag(_ value: WireValue, _ field: String, _ target: inout Bool) throws(MachineryWireError) {
        switch value {
        case .bool(let flag): target = flag
        case .null: return
        default: throw mismatch(field, "a boolean")
        }
    }

    func time(_ value: WireValue, _ field: String) throws(MachineryWireError) -> GoTime? {
        switch value {
        case .string(let text):
            guard let time = GoTime(text) else { throw mismatch(field, "a time of RFC 3339") }
            return time
        case .null: return nil
        default: throw mismatch(field, "a time of RFC 3339")
        }
    }

    func array(_ value: WireValue, _ field: String) throws(MachineryWireError) -> [WireValue]? {
        switch value {
        case .array(let elements): return elements
        case .null: return nil
        default: throw mismatch(field, "an array")
        }
    }

    func map(_ value: WireValue, _ field: String) throws(MachineryWireError) -> WireObject? {
        switch value {
        case .object(let object): return object
        case .null: return nil
        default: throw mismatch(field, "an object")
        }
    }

    func mismatch(_ field: String, _ expected: String) -> MachineryWireError {
        MachineryWireError(.invalidField, "\(field) of \(what) is not \(expected)")
    }

    /// Finds the field with a key, regardless of case.
    static func field<Field: RawRepresentable>(_ key: String, _ type: Field.Type) -> Field?
    where Field.RawValue == String {
        Field(rawValue: key.lowercased())
    }
}
