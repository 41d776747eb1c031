import Glibc

/// Reports that a property does not hold, and ends the process: this is how libFuzzer learns of it and keeps the bytes.
func finding(_ what: @autoclosure () -> String) -> Never {
    say("finding: \(what())")
    abort()
}

/// Writes a line to standard error.
func say(_ text: String) {
    let line = Array("\(text)\n".utf8)
    _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
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
