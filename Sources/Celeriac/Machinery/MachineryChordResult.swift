public import CeleriacCore
public import CeleriacWire

/// A chord that was sent, and its result to come.
public struct MachineryChordResult: Sendable {
    /// The results to come of the group's tasks, in its order.
    public let members: [AsyncResult<WireValue>]
    /// The callback's result to come.
    public let callback: AsyncResult<WireValue>

    /// Waits for every task of the group and then for the callback.
    ///
    /// - Parameter timeout: how long to wait at most for all; nil for as long as it takes.
    /// - Returns: what the callback returned.
    /// - Throws: ``RemoteTaskError`` of the first task that failed: Machinery returns no result and no error then. As
    ///   ``AsyncResult/get(timeout:)`` otherwise.
    public func get(timeout: Duration? = nil) async throws -> WireValue {
        guard let last = try await (members + [callback]).get(timeout: timeout).last else { return .null }
        return last
    }
}
