public import CeleriacWire

/// A remote control command as it is broadcast to workers: what kombu calls a pidbox message.
public struct CeleryControlRequest: Sendable, Hashable {
    /// The command's name.
    public var method: String
    /// The command's arguments, by name.
    public var arguments: WireObject
    /// The node names of those who are asked; nil for everybody.
    public var destination: [String]?
    /// What the names of those who are asked match. Without ``matcher`` Python workers pass it over.
    public var pattern: String?
    /// How ``pattern`` is read: `glob` or `pcre`.
    public var matcher: String?
    /// What the replies carry, so that the asker knows them; nil where none is wanted.
    public var ticket: String?
    /// Where replies go; nil where none is wanted.
    public var replyTo: CeleryReplyAddress?
    /// The sender's logical clock.
    public var clock: Int64
    /// When the asker stops waiting, in seconds since 1970; 0 for never. Workers of Celery 5.7 do not look at it.
    public var expires: Double

    /// Makes a request to everybody.
    public init(_ method: String, arguments: WireObject = [:], clock: Int64 = 0, expires: Double = 0) {
        self.method = method
        self.arguments = arguments
        self.clock = clock
        self.expires = expires
    }
}
