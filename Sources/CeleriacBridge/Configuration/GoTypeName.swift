import MachineryWire

/// The names of Go's types in a file.
enum GoTypeName {
    /// All of them.
    static let all = GoType.Scalar.allCases.flatMap { [$0.rawValue, "[]" + $0.rawValue] } + ["[]byte"]

    static func isKnown(_ name: String) -> Bool { GoType(name: name) != nil }
}
