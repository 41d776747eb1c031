extension WireValue {
    /// What kind of value this is, for messages. Says nothing about its content.
    package var kindInWords: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .int: "an integer"
        case .number: "a number past 64 bits"
        case .double: "a float"
        case .string: "a string"
        case .bytes: "bytes"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
