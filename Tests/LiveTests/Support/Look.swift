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

/// Suspends until `condition` holds or the time is up.
///
/// - Throws: ``WaitedInVain``, and what `condition` throws.
func until(
    _ what: String, atMost duration: Duration = .seconds(60), isolation: isolated (any Actor)? = #isolation,
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + duration
    while !(try await condition()) {
        if ContinuousClock.now >= deadline { throw WaitedInVain(what: what, duration: duration) }
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// What did not happen in time.
struct WaitedInVain: Error, CustomStringConvertible {
    let what: String
    let duration: Duration

    var description: String { "waited \(duration) in vain for \(what)" }
}
