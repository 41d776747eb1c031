#if Redis
extension RedisError {
    /// Whether the same call may succeed once the server is back: it was not answered, rather than refused.
    package var isOutOfReach: Bool {
        code == .connectFailed || code == .connectionLost || code == .timeout
    }
}
#endif
