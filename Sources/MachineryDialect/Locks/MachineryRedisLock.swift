#if Redis
import CeleriacCore
package import CeleriacRedis
import CeleriacWire
package import Logging
import MachineryWire
package import NIOCore

/// A lock in Redis as Machinery's workers take it for periodic tasks: a key whose value is the time at which it ends.
package final class MachineryRedisLock: MachineryLock {
    private let client: RedisClient
    private let timers: EventLoopTimerSource
    private let attempts: Int

    /// Creates a lock, which connects on first use. It retries at once `retries` times; Machinery's default is 3.
    package init(
        _ configuration: RedisConfiguration, retries: Int = 3, eventLoopGroup: any EventLoopGroup, logger: Logger
    ) {
        self.client = RedisClient(configuration, eventLoopGroup: eventLoopGroup, logger: logger)
        self.timers = EventLoopTimerSource(eventLoop: client.eventLoop)
        self.attempts = max(0, retries) + 1
    }

    /// Takes the lock, or takes over one that has ended without having been deleted.
    ///
    /// - Throws: ``CeleriacError`` with code `unavailable` when Redis cannot be reached.
    package func acquire(_ key: String, until expiry: Int64) async throws -> Bool {
        do {
            for _ in 0..<attempts {
                if try await tryOnce(key, until: expiry) { return true }
            }
            return false
        } catch {
            throw CeleriacError(
                error.failureCode(otherwise: .resultStore), "cannot take the lock \(key)", cause: error)
        }
    }

    private func tryOnce(_ key: String, until expiry: Int64) async throws(RedisError) -> Bool {
        let now = GoTime(timers.now).unixNanoseconds
        let milliseconds = (expiry.subtractingReportingOverflow(now).partialValue) / 1_000_000
        guard milliseconds > 2 else { return false }
        let set = try await client.send(RedisCommand("SET", key, expiry, "NX", "PX", milliseconds))
        // Near the end of its time, a process may get the lock because that of another process has just expired.
        if !set.isNull { return GoTime(timers.now).unixNanoseconds < expiry - 2_000_000 }
        guard let stored = try await client.send(RedisCommand("GET", key)).int, stored < now else { return false }
        // The lock has ended. The process that gets the old value when it replaces it with its own has the lock.
        let previous = try await client.send(RedisCommand("GETSET", key, expiry)).int
        guard previous == stored else { return false }
        _ = try await client.send(RedisCommand("PEXPIRE", key, milliseconds))
        return true
    }

    /// Closes the connection.
    package func close() async { await client.close() }
}

/// A lock in Redis as Go's redsync takes it: `SET key token NX PX 8000`. Only the holder of the token deletes it.
struct RedisMutex: Sendable {
    let key: String
    let client: RedisClient
    let timers: any TimerSource
    /// Sixteen random bytes in base64.
    private let token: String

    init(key: String, client: RedisClient, timers: any TimerSource) {
        self.key = key
        self.client = client
        self.timers = timers
        self.token = Base64.encode((0..<16).map { _ in UInt8.random(in: 0...255) })
    }

    /// Takes the lock. It tries 32 times, 50 to 250 milliseconds apart.
    ///
    /// - Throws: ``CeleriacError`` with code `unavailable` if it cannot get the lock.
    func lock() async throws {
        for attempt in 0..<32 {
            if attempt > 0 { try await timers.sleep(for: .milliseconds(Int.random(in: 50...250))) }
            do {
                if try await !client.send(RedisCommand("SET", key, token, "NX", "PX", 8000)).isNull { return }
            } catch {
                throw CeleriacError(
                    error.failureCode(otherwise: .resultStore), "cannot take the lock \(key)", cause: error)
            }
        }
        throw CeleriacError(.unavailable, "other processes kept the lock \(key)")
    }

    /// Releases the lock if it is still ours.
    func unlock() async throws {
        do {
            _ = try await client.evaluate(MachineryScripts.unlock, keys: [key], arguments: [token])
        } catch {
            throw CeleriacError(
                error.failureCode(otherwise: .resultStore), "cannot give back the lock \(key)", cause: error)
        }
    }
}
#endif
