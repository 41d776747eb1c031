#if Redis

/// What happens to the connection of a ``RedisPubSub``.
public enum RedisPubSubEvent: Sendable {
    /// A connection was made. The number is the server's for it (`CLIENT ID`), if it tells.
    case connected(clientID: Int64?)
    /// All subscriptions stand again after a loss. What was published in between is gone: read again what may have
    /// changed.
    case resubscribed
    /// The connection was lost, or could not be made; it is tried again while there are subscriptions.
    case disconnected(RedisError)
}
#endif
