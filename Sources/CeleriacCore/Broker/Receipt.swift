/// A consumer's handle on one delivery: what to name when it is settled.
///
/// Only the consumer that made a receipt can read it. The generation tells a delivery of an earlier connection from one
/// of this connection, where the broker numbers deliveries anew.
public struct Receipt: Sendable, Hashable {
    /// Which connection of the consumer delivered the message.
    public var generation: UInt64
    /// The number of the delivery in that generation.
    public var tag: UInt64

    /// Makes a receipt.
    public init(generation: UInt64, tag: UInt64) {
        self.generation = generation
        self.tag = tag
    }
}
