#if Redis
import CeleriacCore
import CeleriacRedis

/// A hold on a ``RedisLock``: the key has our token as its value.
struct RedisLockHold: LockHold {
    let lock: RedisLock
    let token: String

    var lease: Duration { lock.lease }

    func renew() async throws -> Bool {
        try await lock.evaluate(RedisLockScripts.renew, [lock.keys.lock], [token, lease.inMilliseconds]).int == 1
    }

    func note() async throws -> [UInt8]? {
        do {
            return try await lock.client.send(RedisCommand("GET", lock.keys.state)).bytes
        } catch {
            throw CeleriacError(.unavailable, "cannot read the note at the lock \(lock.name)", cause: error)
        }
    }

    func leaveNote(_ note: [UInt8]) async throws -> Bool {
        try await lock.evaluate(RedisLockScripts.leaveNote, [lock.keys.lock, lock.keys.state], [token, note]).int == 1
    }

    func release() async throws {
        _ = try await lock.evaluate(RedisLockScripts.release, [lock.keys.lock], [token, lock.keys.released])
    }
}
#endif
