import MachineryWire

/// A request's message, and what the dialect must remember of its delivery.
struct MachineryTask: Sendable {
    var signature: MachinerySignature
    /// How often it was delivered before without having been settled.
    var attempts: Int
}
