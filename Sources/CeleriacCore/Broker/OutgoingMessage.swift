public import CeleriacWire

public import struct FoundationEssentials.Date

/// A message and where it goes.
public struct OutgoingMessage: Sendable, Hashable {
    /// The message.
    public var message: WireMessage
    /// The exchange; empty for the default exchange, whose routing keys are queue names.
    public var exchange: String
    /// The routing key. On the default exchange this is the name of the queue.
    public var routingKey: String
    /// The queue that must exist before the message is sent, so that a task sent before its worker's first start waits
    /// instead of vanishing; nil where the receiver makes its own queue (replies).
    public var declaredQueue: String?
    /// Whether publishing fails if no queue gets the message.
    public var isMandatory: Bool
    /// The time before which the broker should not deliver the message, in dialects whose topology holds messages back;
    /// nil to deliver it at once. Other brokers deliver it at once, and the worker waits.
    public var notBefore: Date?

    /// Creates a message for `routingKey` on `exchange`. It is mandatory if a queue must exist, unless told otherwise.
    public init(
        message: WireMessage, exchange: String = "", routingKey: String, declaredQueue: String? = nil,
        isMandatory: Bool? = nil, notBefore: Date? = nil
    ) {
        self.message = message
        self.exchange = exchange
        self.routingKey = routingKey
        self.declaredQueue = declaredQueue
        self.isMandatory = isMandatory ?? (declaredQueue != nil)
        self.notBefore = notBefore
    }
}

/// A broker took some messages of one publication and not the others.
///
/// The error names the others by their index in the publication. The broker took every message that the error does not
/// name; such a message must not be published again. Brokers throw it only if messages met different fates. A broker
/// that is not known to have taken any message throws the ``CeleriacError`` that says why.
public struct PartialPublishError: Error, Sendable, CustomStringConvertible {
    /// Messages that the broker refused, each with the reason. It did not take them.
    public var refused: [Int: CeleriacError]
    /// Messages whose answer did not arrive, each with the reason. The broker may have taken them.
    public var unknown: [Int: CeleriacError]

    /// Creates an error.
    public init(refused: [Int: CeleriacError], unknown: [Int: CeleriacError] = [:]) {
        self.refused = refused
        self.unknown = unknown
    }

    /// How many messages were not taken, and the first reason.
    public var description: String {
        let first = refused.merging(unknown) { refusal, _ in refusal }.min { $0.key < $1.key }
        return "\(refused.count.counting("message was", "messages were")) refused and \(unknown.count) not confirmed, "
            + "the others were taken"
            + (first.map { ": \($0.value)" } ?? "")
    }

    /// Whether a message is not known to have been taken.
    func names(_ index: Int) -> Bool { refused[index] != nil || unknown[index] != nil }

    /// Throws the error that tells a publisher which of its messages were not taken.
    ///
    /// - Parameters:
    ///   - refused: the messages that were refused, by their index.
    ///   - unknown: the messages whose answer did not arrive, by their index. The broker took all others.
    ///   - count: how many messages were published.
    /// - Throws: the first reason if all messages were refused or none was answered; this error if only some were
    ///   taken.
    package static func check(
        refused: [Int: CeleriacError], unknown: [Int: CeleriacError] = [:], of count: Int
    ) throws {
        for fate in [refused, unknown] where fate.count >= count {
            if let first = fate.min(by: { $0.key < $1.key }) { throw first.value }
        }
        if !refused.isEmpty || !unknown.isEmpty { throw PartialPublishError(refused: refused, unknown: unknown) }
    }
}
