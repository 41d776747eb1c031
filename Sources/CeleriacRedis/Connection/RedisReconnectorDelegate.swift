#if Redis
/// Who needs a connection. Called on the event loop.
protocol RedisReconnectorDelegate: AnyObject {
    /// Whether there is anything to do for a connection.
    var needsConnection: Bool { get }

    /// A connection was made.
    func connected(_ connection: RedisConnection)

    /// An attempt to connect failed; another one follows where there is need.
    func connectFailed(_ error: RedisError)
}
#endif
