#if Redis
import Celeriac
import CeleriacCore
import CeleriacRedis
import CeleryDialect
import Logging
import NIOPosix
import Testing

/// Which worker may publish the body of a chord when answers are lost and workers die.
@Suite("The claim on a chord", .timeLimit(.minutes(5)))
struct ChordClaimTests {
    private func results(
        _ bench: RedisBench, chordExpiry: Duration? = nil, isOrdered: Bool = true
    ) throws -> CeleryRedisResults {
        CeleryRedisResults(
            try RedisConfiguration(url: bench.url), chordExpiry: chordExpiry, ordersChordParts: isOrdered,
            eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func part(_ token: String, task: String = "t", index: Int = 0) -> ChordPart {
        ChordPart(
            groupID: "g", taskID: task, index: index, payload: Array("[1, \"\(task)\", \"SUCCESS\", 5]".utf8),
            expiry: .seconds(60), token: token)
    }

    @Test("is won again by a part whose answer was lost")
    func lostAnswer() async throws {
        let bench = try await RedisBench()
        let results = try results(bench)
        let part = part("mine")
        _ = try await results.perform([.open(groupID: "g", size: 1)])
        for _ in 0..<2 {
            let completion = try await results.perform([.add(part)])[0]
            #expect(completion?.claim.token == "mine")
            #expect(completion?.heldFor == nil)
            #expect(completion?.parts.count == 1)
        }
        // Once the body is published, no part gets the claim.
        _ = try await results.perform([.close(ChordClaim(groupID: "g", token: "mine"), succeeded: true)])
        #expect(try await results.perform([.add(part)])[0] == nil)
        await results.close()
        await bench.close()
    }

    @Test("is for a new run once the chord is applied again, even if a part comes before that is told")
    func appliedAgain() async throws {
        let bench = try await RedisBench()
        let results = try results(bench)
        for run in 1...2 {
            let token = "run \(run)"
            // Python's client sends all of the header but the last task before it stores the size.
            #expect(try await results.perform([.add(part(token, task: "t", index: 0))])[0] == nil)
            _ = try await results.perform([.open(groupID: "g", size: 2)])
            let completion = try await results.perform([.add(part(token, task: "u", index: 1))])[0]
            #expect(completion?.claim.token == token)
            #expect(completion?.parts.count == 2)
            _ = try await results.perform([.close(ChordClaim(groupID: "g", token: token), succeeded: true)])
        }
        // A part that is given again now stays no longer than the mark that the body was published.
        #expect(try await results.perform([.add(part("run 2"))])[0] == nil)
        for key in ["j", "d"] {
            let rest = try await bench.redis.send(RedisCommand("PTTL", "celery-taskset-meta-g.\(key)")).int ?? -1
            #expect((1...300_000).contains(rest))
        }
        await results.close()
        await bench.close()
    }

    @Test("what is counted is kept as result_chord_expires says, the group's shape no shorter than results")
    func expiry() async throws {
        let bench = try await RedisBench()
        // Parts have the expiry of results, 60 seconds.
        for (setting, counts, shape) in [
            (nil, 31_000...60_000, 31_000...60_000), (.seconds(1_000), 61_000...1_000_000, 61_000...1_000_000),
            (.seconds(30), 1...30_000, 31_000...60_000), (.zero, -1...(-1), 31_000...60_000),
        ] as [(Duration?, ClosedRange<Int>, ClosedRange<Int>)] {
            let results = try results(bench, chordExpiry: setting)
            _ = try await results.perform([.open(groupID: "g", size: 2)])
            if let setting {
                let rest = try await bench.redis.send(RedisCommand("PTTL", "celery-taskset-meta-g.s")).int ?? 0
                #expect(counts.contains(rest), "\(setting): \(rest)")
            }
            _ = try await results.perform([.save(groupID: "g", payload: Array("[]".utf8), expiry: .seconds(60))])
            _ = try await results.perform([.add(part("mine"))])
            for (end, range) in [(".j", counts), (".d", counts), ("", shape)] {
                let rest = try await bench.redis.send(RedisCommand("PTTL", "celery-taskset-meta-g" + end)).int ?? 0
                #expect(range.contains(rest), "\(setting.debugDescription) \(end): \(rest)")
            }
            for end in [".j", ".d", ".s", ""] {
                _ = try await bench.redis.send(RedisCommand("DEL", "celery-taskset-meta-g" + end))
            }
            await results.close()
        }
        await bench.close()
    }

    @Test("parts stand in a list, as they come, where result_chord_ordered is false", arguments: [true, false])
    func order(isOrdered: Bool) async throws {
        let bench = try await RedisBench()
        let results = try results(bench, isOrdered: isOrdered)
        _ = try await results.perform([.open(groupID: "g", size: 2)])
        let late = part("mine", task: "late", index: 1)
        let early = part("mine", task: "early", index: 0)
        #expect(try await results.perform([.add(late)])[0] == nil)
        let type = try await bench.redis.send(RedisCommand("TYPE", "celery-taskset-meta-g.j")).string
        // Python's workers use the same key, which must be of their type.
        #expect(type == (isOrdered ? "zset" : "list"))
        let parts = try await results.perform([.add(early)])[0]?.parts
        #expect(parts == (isOrdered ? [early.payload, late.payload] : [late.payload, early.payload]))
        await results.close()
        await bench.close()
    }

    @Test(
        "is not missed because a worker with another result_chord_ordered could not give a part",
        arguments: [true, false])
    func mixedOrder(isOrdered: Bool) async throws {
        let bench = try await RedisBench()
        let results = try self.results(bench, isOrdered: isOrdered)
        let others = try self.results(bench, isOrdered: !isOrdered)
        _ = try await results.perform([.open(groupID: "g", size: 2)])
        #expect(try await results.perform([.add(part("mine", task: "t", index: 0))])[0] == nil)
        let second = part("mine", task: "u", index: 1)
        let error = await #expect(throws: CeleriacError.self) { try await others.perform([.add(second)]) }
        #expect(error?.code == .resultStore)
        let completion = try await results.perform([.add(second)])[0]
        #expect(completion?.parts.count == 2)
        await results.close()
        await others.close()
        await bench.close()
    }

    @Test("of a dead worker expires, and then another worker gets it")
    func deadHolder() async throws {
        let bench = try await RedisBench()
        let results = try results(bench)
        _ = try await results.perform([.open(groupID: "g", size: 1)])
        _ = try await results.perform([.add(part("dead"))])
        let completion = try #require(try await results.perform([.add(part("mine"))])[0])
        #expect(completion.parts.isEmpty)
        let rest = try #require(completion.heldFor)
        #expect(rest > .zero && rest <= .milliseconds(21_001))
        let again = part("mine").addedAgain()
        #expect(again.waits == 1 && again.token == "mine")
        // Deleting the key stands for the end of the claim's time.
        _ = try await bench.redis.send(RedisCommand("DEL", "celery-taskset-meta-g.c"))
        #expect(try await results.perform([.add(again)])[0]?.parts.count == 1)
        await results.close()
        await bench.close()
    }

    @Test("is waited for only a limited number of times")
    func cap() async throws {
        let bench = try await RedisBench()
        let results = try results(bench)
        _ = try await results.perform([.open(groupID: "g", size: 1)])
        _ = try await results.perform([.add(part("other"))])
        var mine = part("mine")
        let error = await #expect(throws: CeleriacError.self) {
            while let completion = try await results.perform([.add(mine)])[0] {
                if completion.heldFor == nil { break }
                mine = mine.addedAgain()
            }
        }
        #expect(error?.code == .unavailable)
        await results.close()
        await bench.close()
    }

    @Test("the body is published although the worker with the claim died")
    func bodyIsPublished() async throws {
        let bench = try await RedisBench()
        let gate = Gate()
        let worker = bench.app.worker {
            Tasks.number.handler { number in
                await gate.wait()
                return number
            }
            Tasks.sum.handler { $0.reduce(0, +) }
        }
        let total = try await bench.run(worker) {
            let result = try await bench.app.send(chord([Tasks.number(1), Tasks.number(2)], body: Tasks.sum))
            let keys = try await bench.redis.send(RedisCommand("KEYS", "celery-taskset-meta-*.s")).array ?? []
            let size = try #require(keys.first?.string)
            _ = try await bench.redis.send(RedisCommand("SET", "\(size.dropLast(2)).c", "dead", "PX", 1000))
            gate.open()
            return try await result.get(timeout: .seconds(120))
        }
        #expect(total == 3)
        await bench.close()
    }
}
#endif
