#if Redis
import CeleriacCore
import CeleriacRedis
import CeleriacWire

/// A lock in Redis as Go's redsync takes it: `SET key token NX PX 8000`, deleted by whoever holds its token.
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
    /// - Throws: ``CeleriacError`` with code `unavailable` when it is not to be had.
    func lock() async throws {
        for attempt in 0..<32 {
            if attempt > 0 { try await timers.sleep(for: .milliseconds(Int.random(in: 50...250))) }
            do {
                if try await !client.send(RedisCommand("SET", key, token, "NX", "PX", 8000)).isNull { return }
            } catch {
                throw CeleriacError(
                    error.isOutOfReach ? .unavailable : .resultStore, "cannot take the lock \(key)", cause: error)
            }
        }
        throw CeleriacError(.unavailable, "the lock \(key) is held by others all the time")
    }

    /// Gives the lock back, if it is still ours.
    func unlock() async throws {
        do {
            _ = try await client.evaluate(MachineryScripts.unlock, keys: [key], arguments: [token])
        } catch {
            throw CeleriacError(
                error.isOutOfReach ? .unavailable : .resultStore, "cannot give back the lock \(key)", cause: error)
        }
    }
}
#endif
