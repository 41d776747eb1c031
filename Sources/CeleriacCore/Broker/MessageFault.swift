/// Why a message cannot be run: a name for the machine and a sentence for a person.
public struct MessageFault: Error, Sendable, Hashable, CustomStringConvertible {
    /// A short name of the kind of fault, for instance `undecodableBody`: what metrics and parked messages carry.
    public var reason: String
    /// What is wrong with the message, without its arguments.
    public var detail: String

    /// Makes a fault.
    public init(reason: String, detail: String) {
        self.reason = reason
        self.detail = detail
    }

    /// The reason and the detail.
    public var description: String { "\(reason): \(detail)" }
}
