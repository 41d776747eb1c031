#if Redis
import CeleriacCore
package import CeleriacRedis
import NIOConcurrencyHelpers
import NIOCore

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
        try await client.count(
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

extension RedisClient {
    /// Sends commands that count beginnings, and waits for the answer, but not for a server that is slow to give it:
    /// the longer a message is counted before it begins, the more likely something else ends the process meanwhile,
    /// and an innocent message is parked in the end.
    ///
    /// - Parameter commands: The commands.
    /// - Throws: ``RedisError``, if the server has refused a command or is out of reach.
    func count(_ commands: [RedisCommand]) async throws {
        let answer = NIOLockedValueBox<Result<[RedisValue], any Error>?>(nil)
        let isAnswered = Gate()
        submit(commands).whenComplete { result in
            answer.withLockedValue { $0 = result }
            isAnswered.open()
        }
        // The event loop takes the commands in its next turn and writes them in the one after. What begins before that
        // may end the process, and was not counted.
        let isWritten = Gate()
        eventLoop.execute { [eventLoop] in eventLoop.execute { isWritten.open() } }
        await isWritten.wait()
        await isAnswered.wait(atMost: .milliseconds(50), timers: EventLoopTimerSource(eventLoop: eventLoop))
        let replies = try answer.withLockedValue(\.self)?.get()
        if let refusal = replies?.lazy.compactMap(\.error).first { throw RedisError(refusal) }
    }
}
#endif
