#if AMQP
/// Moves of messages to companions of which nobody knows whether they succeeded: the broker did not confirm them.
///
/// The worker begins such a message all the same. If its copy comes to this worker, the copy takes its place instead of
/// running as well. A copy is known by the message's name and by the count that the worker gave it.
struct UncertainMoves {
    private struct Move {
        let count: Int
        /// Whether the copy has come.
        var hasArrived = false
        /// Whether the message has ended.
        var hasEnded = false
    }

    /// How many moves are remembered, the latest.
    static let most = 1000

    private var moves: [String: Move] = [:]
    private var order: [String] = []

    /// Whether there are none.
    var isEmpty: Bool { moves.isEmpty }

    /// Adds a move.
    ///
    /// - Parameters:
    ///   - name: the message's name.
    ///   - count: the count in the copy.
    mutating func add(_ name: String, count: Int) {
        forget(name)
        if order.count >= Self.most { moves[order.removeFirst()] = nil }
        moves[name] = Move(count: count)
        order.append(name)
    }

    /// Notes that a message has ended for good.
    mutating func end(_ name: String) {
        guard let move = moves[name] else { return }
        // The copy has taken its place.
        if move.hasArrived { return forget(name) }
        moves[name]?.hasEnded = true
    }

    /// Notes that a message has come.
    ///
    /// - Returns: whether it is the copy of one that has ended, and so has ended as well.
    mutating func arrive(_ name: String, count: Int) -> Bool {
        guard let move = moves[name], move.count == count else { return false }
        moves[name]?.hasArrived = true
        if move.hasEnded { forget(name) }
        return move.hasEnded
    }

    /// Tells whether the copy has come of a message whose own count is given. The move is then forgotten.
    mutating func takeCopy(of name: String, count: Int) -> Bool {
        guard let move = moves[name], move.hasArrived, count < move.count else { return false }
        forget(name)
        return true
    }

    private mutating func forget(_ name: String) {
        guard moves.removeValue(forKey: name) != nil else { return }
        order.removeAll { $0 == name }
    }
}
#endif
