#if Redis
import CeleriacCore
package import CeleriacRedis

/// Counts attempts in Redis, each message under a key of its own that expires a day after the last attempt.
package struct RedisAttemptCounter: AttemptCounter {
    private let client: RedisClient
    private let prefix: String

    /// Creates a counter whose keys begin with `keyPrefix`.
    package init(_ client: RedisClient, keyPrefix: String = "") {
        self.client = client
        self.prefix = keyPrefix + "celeriac.attempts."
    }

    package func attempts(of names: [String]) async throws -> [Int] {
        try await client.fetchResults(names.map(key)).map { value in
            value.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0
        }
    }

    package func count(_ names: [String]) async throws {
        _ = try await client.results(
            names.map(key).flatMap { [RedisCommand("INCR", $0), RedisCommand("EXPIRE", $0, 86400)] })
    }

    package func uncount(_ names: [String]) {
        send(names.map { Self.uncount(key: key($0)) })
    }

    package func forget(_ names: [String]) { send(names.map { RedisCommand("DEL", key($0)) }) }

    private func key(_ name: String) -> String { prefix + name }

    private func send(_ commands: [RedisCommand]) {
        if !commands.isEmpty { _ = client.submit(commands) }
    }

    /// Takes one off a count. One that has expired meanwhile must not begin anew at -1, without an expiry.
    package static func uncount(key: String) -> RedisCommand { .evaluate(uncountScript, keys: [key]) }

    private static let uncountScript = RedisScript(
        name: "uncount", source: "return redis.call('EXISTS', KEYS[1]) == 1 and redis.call('DECR', KEYS[1])")
}
#endif
