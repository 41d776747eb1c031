#if Redis
public import CeleriacCore
public import CeleriacRedis
public import Logging
public import NIOCore
import NIOConcurrencyHelpers

/// A lock on one Redis server: a key that its holder renews and that expires otherwise.
///
/// Three names belong to it: `{NAME}.lock` is the key, `{NAME}.state` the note that a holder leaves for the next one, and
/// `{NAME}.released` the channel on which a release is told. As any lock by expiry it is as good as clocks and pauses allow;
/// a note is left only by the holder, since that is one step on the server.
public final class RedisLock: CeleriacCore.Lock {
    let client: RedisClient
    let keys: RedisLockKeys
    let lease: Duration
    private let pubSub: RedisPubSub
    private let action: ReleaseAction

    /// Makes a lock. It connects on first use.
    ///
    /// - Parameters:
    ///   - key: the lock's name.
    ///   - lease: how long a hold lasts from when it was taken or renewed; 100 ms to a day.
    public init(
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
    public var name: String { "\(client.configuration) \(keys.lock)" }

    /// Sets the key if it does not exist.
    ///
    /// - Throws: ``CeleriacError`` with code `unavailable`.
    public func attempt() async throws -> LockAttempt {
        let token = CeleryID.random()
        let reply = try await evaluate(RedisLockScripts.take, [keys.lock], [token, lease.inMilliseconds])
        guard let rest = reply.int else { return .taken(RedisLockHold(lock: self, token: token)) }
        // A key without an expiry is none of ours; somebody may delete it.
        return .busy(rest < 0 ? lease : .milliseconds(rest))
    }

    /// Listens for releases.
    ///
    /// - Throws: ``CeleriacError`` with code `unavailable`.
    public func onRelease(_ action: @escaping @Sendable () -> Void) async throws {
        self.action.set(action)
        do {
            try await pubSub.subscribe([keys.released])
        } catch {
            throw CeleriacError(.unavailable, "cannot listen for releases of \(name)", cause: error)
        }
    }

    /// Closes the connections. A hold that is not released ends with its time.
    public func close() async {
        await pubSub.close()
        await client.close()
    }

    func evaluate(_ script: RedisScript, _ keys: [String], _ arguments: [any RedisArgument])
        async throws(CeleriacError) -> RedisValue
    {
        do {
            return try await client.evaluate(script, keys: keys, arguments: arguments)
        } catch {
            throw CeleriacError(.unavailable, "cannot use the lock \(name)", cause: error)
        }
    }
}

/// What to do at a release. The subscription's closures are made before anybody says.
private final class ReleaseAction: Sendable {
    private let action = NIOLockedValueBox<(@Sendable () -> Void)?>(nil)

    func set(_ action: @escaping @Sendable () -> Void) { self.action.withLockedValue { $0 = action } }

    func call() { action.withLockedValue { $0 }?() }
}
#endif
