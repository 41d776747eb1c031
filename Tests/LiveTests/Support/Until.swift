import Foundation

/// Suspends until `condition` holds; the test's own time limit ends a wait in vain.
func until(_ condition: @Sendable () async throws -> Bool) async throws {
    while !(try await condition()) { try await Task.sleep(for: .milliseconds(10)) }
}
