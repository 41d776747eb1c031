import MachineryWire

/// The names of Go's types in a file.
enum GoTypeName {
    static func isKnown(_ name: String) -> Bool { GoType(name: name) != nil }
}
