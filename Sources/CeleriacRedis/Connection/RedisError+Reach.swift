#if Redis
extension RedisError {
    /// Whether the same call may succeed later: it was not answered, or the server cannot do it now.
    package var isOutOfReach: Bool {
        code == .connectFailed || code == .connectionLost || code == .timeout || serverError?.isTemporary == true
    }
}
#endif
