#if Redis

/// Who takes the replies of a connection: its pipeline of requests, or its subscriptions. Called on the event loop.
protocol RedisReplyReceiver: AnyObject {
    /// Takes a reply. An error closes the connection.
    func receive(_ reply: RedisValue) throws(RedisError)

    /// Says that all replies that have come in were received.
    func receiveComplete()

    /// Says, once, that the connection is gone.
    func connectionClosed(_ error: RedisError)
}
#endif
