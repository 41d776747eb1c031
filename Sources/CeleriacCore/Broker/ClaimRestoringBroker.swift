/// A broker at which only workers of this package put back what a worker that has died had claimed.
package protocol ClaimRestoringBroker: MessageBroker {
    /// Puts the messages of a queue back whose claims nobody has renewed in time. Claims of workers that live stay.
    func restoreClaims(of queue: String) async throws -> RestoredClaims
}

/// What became of the claims on a queue's messages.
package struct RestoredClaims: Sendable {
    /// How many messages are in the queue again.
    package var restored: Int
    /// How many claims stand: their workers live, or died so lately that nobody can tell.
    package var held: Int

    /// Creates an account.
    package init(restored: Int, held: Int) {
        self.restored = restored
        self.held = held
    }
}

extension TaskSender {
    /// Puts back what workers that have died had claimed of a queue.
    ///
    /// - Parameter queue: the queue.
    /// - Returns: how many messages were put back, and how many are held.
    /// - Throws: ``CeleriacError`` with code `unsupported` where the broker or the peers' workers do that themselves, or
    ///   the broker's error.
    package func restoreClaims(of queue: String) async throws -> RestoredClaims {
        guard let broker = client.broker as? any ClaimRestoringBroker else {
            throw CeleriacError(
                .unsupported,
                "nothing is to be put back at \(client.broker.name): the broker or any worker does that by itself")
        }
        return try await broker.restoreClaims(of: queue)
    }
}
