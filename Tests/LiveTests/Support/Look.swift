/// Looks until what is found is what is wanted, or for so long.
///
/// - Returns: what was found last.
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
