import Foundation

/// Suspends until `condition` holds; the test's own time limit ends a wait in vain.
func until(_ condition: @Sendable () async throws -> Bool) async throws {
    while !(try await condition()) { try await Task.sleep(for: .milliseconds(10)) }
}

/// The lines of a file that tasks wrote.
func recorded(_ path: String) -> [String] {
    ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: "\n").map { String($0) }
}
