/// A consumer whose deliveries are lost with its connection, and which says so at once.
package protocol LosingConsumer: MessageConsumer {
    /// Has a function called whenever the connection is lost. By then ``MessageConsumer/isHeld(_:)`` is false for what was
    /// delivered on it.
    ///
    /// - Parameter action: the function, which may be called on any thread and returns at once; nil for none.
    func onLoss(_ action: (@Sendable () -> Void)?)
}
