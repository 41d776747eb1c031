#if Redis
import CeleriacRedis

/// The steps of a ``RedisLock`` that must not be divided.
enum RedisLockScripts {
    /// Nil if the lock is taken now, else the milliseconds that it is held for; negative where it never expires.
    static let take = RedisScript(
        name: "takeLock",
        source: """
            if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return false end
            return redis.call('PTTL', KEYS[1])
            """)

    /// 1 if the lock is ours, else 0.
    static let renew = RedisScript(
        name: "renewLock",
        source: """
            if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
            return redis.call('PEXPIRE', KEYS[1], ARGV[2])
            """)

    /// 1 if the lock is ours and the note was left, else 0.
    static let leaveNote = RedisScript(
        name: "leaveLockNote",
        source: """
            if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
            redis.call('SET', KEYS[2], ARGV[2])
            return 1
            """)

    /// 1 if the lock was ours, else 0.
    static let release = RedisScript(
        name: "releaseLock",
        source: """
            if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
            redis.call('DEL', KEYS[1])
            redis.call('PUBLISH', ARGV[2], '')
            return 1
            """)
}
#endif
