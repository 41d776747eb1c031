/// A consumer whose claims other workers restore when they seem to have expired.
package protocol ClaimingConsumer: MessageConsumer {
    /// Those of the receipts of the latest ``MessageConsumer/settle(_:)`` that may have been settled when their claims
    /// stood no more, so that their messages come again. The worker reads it before it settles anything else.
    var settledTooLate: Set<Receipt> { get }
}
