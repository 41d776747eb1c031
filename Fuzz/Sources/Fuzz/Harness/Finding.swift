import Glibc

/// Reports that a property does not hold, and ends the process: this is how libFuzzer learns of it and keeps the bytes.
func finding(_ what: @autoclosure () -> String) -> Never {
    fputs("finding: \(what())\n", stderr)
    abort()
}

/// Reports a finding unless the property holds.
func require(_ holds: Bool, _ what: @autoclosure () -> String) {
    if !holds { finding(what()) }
}

/// The result of what must not throw.
func must<Value, Failure: Error>(
    _ what: @autoclosure () -> String, _ body: () throws(Failure) -> Value
) -> Value {
    do {
        return try body()
    } catch {
        finding("\(what()) throws \(error)")
    }
}
