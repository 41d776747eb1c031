/// Why a case of the live matrix failed.
struct CaseFailure: Error, CustomStringConvertible {
    let description: String
}

/// Throws unless two values are equal.
func expect<Value: Equatable>(_ got: Value, _ wanted: Value, _ what: String = "result") throws {
    guard got == wanted else { throw CaseFailure(description: "\(what) is \(got), not \(wanted)") }
}

/// Throws unless a condition holds.
func expect(_ condition: Bool, _ what: String) throws {
    guard condition else { throw CaseFailure(description: what) }
}
