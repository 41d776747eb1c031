#if Redis
import CeleriacCore
import CeleriacRedis
import CeleriacTestKit
import Logging
import NIOPosix
import Testing

@Suite("Lock in Redis", .timeLimit(.minutes(5))) struct RedisLockTests {
    private func makeLock(_ url: String, lease: Duration = .seconds(60)) throws -> RedisLock {
        var configuration = try RedisConfiguration(url: url)
        configuration.connectTimeout = .seconds(2)
        return RedisLock(
            configuration, key: "test", lease: lease, eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: Logger(label: "test"))
    }

    private func hold(_ attempt: LockAttempt) throws -> any LockHold {
        guard case .taken(let hold) = attempt else { throw CeleriacError(.unavailable, "the lock is taken") }
        return hold
    }

    private func rest(_ attempt: LockAttempt) throws -> Duration {
        guard case .busy(let rest) = attempt else { throw CeleriacError(.unavailable, "the lock was free") }
        return rest
    }

    @Test("One user holds it, the other learns for how long; a release wakes the other and leaves the note")
    func handsOver() async throws {
        let url = try await SharedServers.shared.redisDatabaseURL()
        let (one, other) = (try makeLock(url), try makeLock(url))
        let released = Gate()
        try await other.onRelease { released.open() }
        let first = try hold(await one.attempt())
        #expect(try await first.note() == nil)
        #expect(try await first.leaveNote([1, 2]))
        let rest = try rest(await other.attempt())
        #expect(rest > .zero && rest <= .seconds(60))
        #expect(!released.isOpen)

        try await first.release()
        await released.wait()
        let second = try hold(await other.attempt())
        #expect(try await second.note() == [1, 2])
        // The old holder can neither write a note, nor keep the lock, nor release what it no longer holds.
        #expect(try await first.leaveNote([3]) == false)
        #expect(try await first.renew() == false)
        try await first.release()
        #expect(try await second.renew())
        #expect(try await second.note() == [1, 2])
        for lock in [one, other] { await lock.close() }
    }

    @Test("A hold that is not renewed ends; a renewal restarts the lease")
    func expires() async throws {
        let url = try await SharedServers.shared.redisDatabaseURL()
        let redis = RedisClient(try RedisConfiguration(url: url), eventLoopGroup: group, logger: quiet)
        let (one, other) = (try makeLock(url), try makeLock(url))
        let first = try hold(await one.attempt())
        #expect(try await redis.send(RedisCommand("PEXPIRE", "{test}.lock", 20_000)).int == 1)
        #expect(try rest(await other.attempt()) <= .seconds(20))
        #expect(try await first.renew())
        #expect(try rest(await other.attempt()) > .seconds(20))
        // This simulates the end of the lease.
        #expect(try await redis.send(RedisCommand("PEXPIRE", "{test}.lock", 1)).int == 1)
        while try await redis.send(RedisCommand("EXISTS", "{test}.lock")).int == 1 {}
        #expect(try await first.renew() == false)
        let second = try hold(await other.attempt())
        #expect(try await first.leaveNote([1]) == false)
        #expect(try await second.renew())
        for lock in [one, other] { await lock.close() }
        await redis.close()
    }

    @Test("A missing server is an error, not a lost lock")
    func outOfReach() async throws {
        let server = try await RedisServer.start()
        let lock = try makeLock(server.url)
        let hold = try hold(await lock.attempt())
        await server.kill()
        await #expect { try await hold.renew() } throws: { ($0 as? CeleriacError)?.code == .unavailable }
        await #expect { try await lock.attempt() } throws: { ($0 as? CeleriacError)?.code == .unavailable }
        await lock.close()
        await server.stop()
    }
}
#endif
