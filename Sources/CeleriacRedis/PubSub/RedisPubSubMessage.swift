#if Redis

/// A message that somebody published on a channel.
public struct RedisPubSubMessage: Sendable, Hashable {
    /// The channel on which it was published.
    public let channel: String
    /// The pattern by which it was received; `nil` where the channel itself is subscribed. A channel that is subscribed
    /// both ways yields two messages.
    public let pattern: String?
    /// What was published: a bulk string; an array of keys, or null, for `__redis__:invalidate` (client tracking).
    public let value: RedisValue

    /// Creates a message.
    public init(channel: String, pattern: String? = nil, value: RedisValue) {
        self.channel = channel
        self.pattern = pattern
        self.value = value
    }

    /// The published bytes; empty where ``value`` is not a string.
    public var payload: [UInt8] {
        if case .bulk(let bytes) = value { bytes } else { [] }
    }
}
#endif
