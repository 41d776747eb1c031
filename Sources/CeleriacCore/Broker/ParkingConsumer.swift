/// A consumer that knows whether a message is this worker's to park, and whether it was parked.
///
/// When a worker parks a message, it tells the caller that the task has failed. It must not tell that of a message that
/// stays where another worker may run it.
package protocol ParkingConsumer: MessageConsumer {
    /// Makes sure that messages can be parked: this worker has them, keeps them for now, and the place for parked
    /// messages is there. One call at a time is under way, and it ends whatever the network does.
    ///
    /// - Returns: for each message, in order, whether that is so.
    func canPark(_ receipts: [Receipt]) async -> [Bool]

    /// Parks one message, as ``settle(_:)`` does, and not while that is under way.
    ///
    /// - Returns: whether the broker has the parked message, and this worker had it.
    /// - Throws: as ``settle(_:)``.
    func park(_ receipt: Receipt, for fault: MessageFault) async throws -> Bool
}
