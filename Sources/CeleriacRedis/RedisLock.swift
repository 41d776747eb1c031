#if Redis
package import CeleriacCore
import CeleriacWire
package import Logging
package import NIOCore
import NIOConcurrencyHelpers

/// A lock on a Redis server, or in one slot of a cluster: a key that its holder renews and that otherwise expires.
///
/// The lock uses three names: `{NAME}.lock` is the key, `{NAME}.state` the note that a holder leaves for the next one,
/// and `{NAME}.released` the channel on which releases are published. Like any lock that expires, it is only as
/// reliable as clocks and pauses allow. But only the holder can leave a note, since the server checks and writes in one
/// step.
package final class RedisLock: CeleriacCore.DistributedLock {
    fileprivate let client: RedisClient
    fileprivate let keys: RedisLockKeys
    fileprivate let lease: Duration
    private let pubSub: RedisPubSub
    private let action: ReleaseAction

    /// Creates a lock named `key`, which connects on first use. A hold lasts for `lease` from when it was taken or last
    /// renewed, clamped to between 100 ms and a day.
    package init(
        _ configuration: RedisConfiguration,
        key: String = "celeriac.beat",
        lease: Duration = .seconds(30),
        eventLoopGroup: any EventLoopGroup,
        logger: Logger
    ) {
        let keys = RedisLockKeys(name: key)
        let action = ReleaseAction()
        self.keys = keys
        self.action = action
        self.lease = min(max(lease, .milliseconds(100)), .seconds(86_400))
        self.client = RedisClient(configuration, eventLoopGroup: eventLoopGroup, logger: logger)
        self.pubSub = RedisPubSub(
            configuration, eventLoopGroup: eventLoopGroup, logger: logger,
            onEvent: { event in if case .resubscribed = event { action.call() } },
            onMessages: { _ in action.call() })
    }

    /// The server and the key, without credentials.
    package var name: String { "\(client.configuration) \(keys.lock)" }

    /// Sets the key if it does not exist.
    ///
    /// - Throws: ``CeleriacError`` with code `unavailable` or `configuration`.
    package func attempt() async throws -> LockAttempt {
        let token = randomUUID()
        let reply = try await evaluate(RedisLockScripts.take, [keys.lock], [token, lease.inMilliseconds])
        guard let rest = reply.int else { return .taken(RedisLockHold(lock: self, token: token)) }
        // A key without an expiry is not ours. Somebody may delete it.
        return .busy(rest < 0 ? lease : .milliseconds(rest))
    }

    /// Listens for releases.
    ///
    /// - Throws: ``CeleriacError`` with code `unavailable` or `configuration`.
    package func onRelease(_ action: @escaping @Sendable () -> Void) async throws {
        self.action.set(action)
        do {
            try await pubSub.subscribe([keys.released])
        } catch {
            throw CeleriacError(
                error.failureCode(otherwise: .unavailable), "cannot listen for releases of \(name)", cause: error)
        }
    }

    /// Closes the connections. A hold that was not released ends when its lease does.
    package func close() async {
        await pubSub.close()
        await client.close()
    }

    fileprivate func evaluate(_ script: RedisScript, _ keys: [String], _ arguments: [any RedisArgument])
        async throws(CeleriacError) -> RedisValue
    {
        do {
            return try await client.evaluate(script, keys: keys, arguments: arguments)
        } catch {
            throw CeleriacError(
                error.failureCode(otherwise: .unavailable), "cannot use the lock \(name)", cause: error)
        }
    }
}

/// The action to run at a release. It exists because the subscription's closures are made before the action is known.
private final class ReleaseAction: Sendable {
    private let action = NIOLockedValueBox<(@Sendable () -> Void)?>(nil)

    func set(_ action: @escaping @Sendable () -> Void) { self.action.withLockedValue { $0 = action } }

    func call() { action.withLockedValue { $0 }?() }
}

/// A hold on a ``RedisLock``: the key's value is our token.
private struct RedisLockHold: LockHold {
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
            throw CeleriacError(
                error.failureCode(otherwise: .unavailable), "cannot read the note of the lock \(lock.name)",
                cause: error)
        }
    }

    func leaveNote(_ note: [UInt8]) async throws -> Bool {
        try await lock.evaluate(RedisLockScripts.leaveNote, [lock.keys.lock, lock.keys.state], [token, note]).int == 1
    }

    func release() async throws {
        _ = try await lock.evaluate(RedisLockScripts.release, [lock.keys.lock], [token, lock.keys.released])
    }
}

/// The names of a ``RedisLock`` on the server. The braces keep them in one slot of a cluster.
private struct RedisLockKeys: Sendable {
    let lock: String
    let state: String
    let released: String

    init(name: String) {
        lock = "{\(name)}.lock"
        state = "{\(name)}.state"
        released = "{\(name)}.released"
    }
}

/// The steps of a ``RedisLock`` that must be atomic.
private enum RedisLockScripts {
    /// Returns nil if the lock is now taken; otherwise how many milliseconds it stays held, or a negative number if it
    /// never expires.
    static let take = RedisScript(
        name: "takeLock",
        source: """
            if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return false end
            return redis.call('PTTL', KEYS[1])
            """)

    /// Returns 1 if the lock is ours; otherwise 0.
    static let renew = RedisScript(
        name: "renewLock",
        source: """
            if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
            return redis.call('PEXPIRE', KEYS[1], ARGV[2])
            """)

    /// Returns 1 if the lock is ours and the note was left; otherwise 0.
    static let leaveNote = RedisScript(
        name: "leaveLockNote",
        source: """
            if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
            redis.call('SET', KEYS[2], ARGV[2])
            return 1
            """)

    /// Returns 1 if the lock was ours; otherwise 0.
    static let release = RedisScript(
        name: "releaseLock",
        source: """
            if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
            redis.call('DEL', KEYS[1])
            redis.call('PUBLISH', ARGV[2], '')
            return 1
            """)
}

extension Duration {
    /// Whole milliseconds, at least 1, the unit in which Redis takes an expiry.
    fileprivate var inMilliseconds: Int {
        let (seconds, attoseconds) = components
        return max(1, Int(clamping: min(max(seconds, 0), 1 << 40) * 1000 + attoseconds / 1_000_000_000_000_000))
    }
}
#endif
