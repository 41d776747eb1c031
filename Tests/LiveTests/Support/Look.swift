/// Repeats a lookup until it returns the wanted value or the time is up.
///
/// - Returns: the last value found.
func look<Value: Equatable & Sendable>(
    for wanted: Value, atMost duration: Duration, _ find: @Sendable () async throws -> Value
) async throws -> Value {
    let deadline = ContinuousClock.now + duration
    while true {
        let found = try await find()
        if found == wanted || ContinuousClock.now >= deadline { return found }
        try await Task.sleep(for: .milliseconds(10))
    }
}
