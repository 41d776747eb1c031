#if Redis
/// The names of a ``RedisLock`` on the server. The braces keep them together in a cluster.
struct RedisLockKeys: Sendable {
    let lock: String
    let state: String
    let released: String

    init(name: String) {
        lock = "{\(name)}.lock"
        state = "{\(name)}.state"
        released = "{\(name)}.released"
    }
}
#endif
