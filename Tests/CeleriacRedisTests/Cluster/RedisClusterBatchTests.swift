#if Redis
import NIOCore
import Testing

@testable import CeleriacRedis

/// Pipelines that are taken apart for the nodes of a cluster, and their replies put together.
@Suite struct RedisClusterBatchTests {
    private static let perKey = RedisScript(name: "each", source: "return #KEYS", argumentsPerKey: 2)
    private static let together = RedisScript(name: "all", source: "return #KEYS")

    private func words(_ command: RedisCommand) -> [String] {
        RedisCommand.Arguments(command).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The commands of each part.
    private func parts(_ batch: RedisClusterBatch) -> [[String]] {
        batch.parts.map { $0.commands.map { words($0).joined(separator: " ") } }
    }

    private func slots(_ batch: RedisClusterBatch) -> [RedisSlot?] { batch.parts.map(\.slot) }

    @Test func commandsSayTheirKeys() {
        let samples: [(RedisCommand, [String])] = [
            (RedisCommand("SET", "k", "v", "EX", 5), ["k"]), (RedisCommand("get", "k"), ["k"]),
            (RedisCommand("LPUSH", "", [0, 255]), [""]), (RedisCommand("PUBLISH", "channel", "k"), []),
            (RedisCommand("MGET", "a", "b"), ["a", "b"]), (RedisCommand("DEL", "a", "b", "c"), ["a", "b", "c"]),
            (RedisCommand("BRPOP", "a", "b", 0), ["a", "b"]), (RedisCommand("PING"), []), (RedisCommand("GET"), []),
            (RedisCommand("BLMOVE", "a", "a", "LEFT", "LEFT", 1.5), ["a"]), (RedisCommand("CLUSTER", "SLOTS"), []),
            (.evaluate(Self.together, keys: ["a", "b"], arguments: ["c"]), ["a", "b"]),
            (.evaluate(Self.together, arguments: ["c"]), []),
        ]
        for (command, keys) in samples {
            #expect(command.keys.map { String(decoding: $0, as: UTF8.self) } == keys, "\(words(command))")
        }
        let call = RedisCommand.evaluate(Self.perKey, keys: ["a", "b"], arguments: ["1", "2", "3"])
        #expect(call.scriptArguments.map { String(decoding: $0, as: UTF8.self) } == ["1", "2", "3"])
        #expect(call.name == "" && RedisCommand("exec").name == "EXEC")
        #expect(words(RedisCommand("SET", String(repeating: "x", count: 1234), "y")).map(\.count) == [3, 1234, 1])
    }

    @Test func repliesKeepTheirPlaces() {
        var batch = RedisClusterBatch([
            RedisCommand("SET", "a", 1), RedisCommand("GET", "b"), RedisCommand("MULTI"), RedisCommand("INCR", "{a}1"),
            RedisCommand("DEL", "{a}2"), RedisCommand("EXEC"), RedisCommand("GET", "a"),
        ])
        #expect(
            parts(batch) == [["SET a 1"], ["GET b"], ["MULTI", "INCR {a}1", "DEL {a}2", "EXEC"], ["GET a"]])
        let (a, b) = (RedisSlot(ofKey: "a"), RedisSlot(ofKey: "b"))
        #expect(slots(batch) == [a, b, a, a])
        batch.take([.text("last")], for: 3)
        batch.take([.status("OK"), .status("QUEUED"), .status("QUEUED"), .array([])], for: 2)
        batch.take([.text("second")], for: 1)
        batch.take([.status("first")], for: 0)
        #expect(
            batch.finished == [
                .status("first"), .text("second"), .status("OK"), .status("QUEUED"), .status("QUEUED"), .array([]),
                .text("last"),
            ])
    }

    @Test func whatHasNoKeyGoesWithItsNeighbour() {
        let (a, b) = (RedisSlot(ofKey: "a"), RedisSlot(ofKey: "b"))
        #expect(
            slots(
                RedisClusterBatch([
                    RedisCommand("PING"), RedisCommand("GET", "a"), RedisCommand("PUBLISH", "c", 1),
                    RedisCommand("GET", "b"), RedisCommand("TIME"),
                ])) == [a, a, a, b, b])
        #expect(slots(RedisClusterBatch([RedisCommand("PING"), RedisCommand("TIME")])) == [nil, nil])
        // A transaction that does not end.
        #expect(parts(RedisClusterBatch([RedisCommand("MULTI"), RedisCommand("GET", "a")])) == [["MULTI", "GET a"]])
        #expect(RedisClusterBatch([]).finished == [])
    }

    @Test func keysInSeveralSlotsAreAskedForApart() {
        var batch = RedisClusterBatch([
            RedisCommand("MGET", "a", "b", "{a}2"), RedisCommand("DEL", "a", "b"),
            .evaluate(Self.perKey, keys: ["a", "b", "{a}2"], arguments: [1, 2, 3, 4, 5, 6]),
            .evaluate(Self.together, keys: ["a", "b"]), RedisCommand("MGET", "{x}1", "{x}2"),
        ])
        #expect(
            parts(batch) == [
                ["MGET a {a}2"], ["MGET b"], ["DEL a"], ["DEL b"], ["2 a {a}2 1 2 5 6"], ["1 b 3 4"], ["2 a b"],
                ["MGET {x}1 {x}2"],
            ])
        batch.take([.array([.text("2")])], for: 1)
        batch.take([.array([.text("1"), .null])], for: 0)
        for part in [2, 3] { batch.take([.integer(1)], for: part) }
        batch.take([.integer(2)], for: 4)
        batch.take([.integer(1)], for: 5)
        batch.take([.error(RedisServerError(line: "CROSSSLOT no"))], for: 6)
        batch.take([.array([.null, .null])], for: 7)
        let finished = batch.finished
        #expect(finished[0] == .array([.text("1"), .text("2"), .null]))
        #expect(finished[1] == .integer(2) && finished[2] == .integer(3))
        #expect(finished[3].error?.code == "CROSSSLOT")
    }

    @Test func anErrorOfOnePartIsTheErrorOfAll() {
        for order in [[0, 1], [1, 0]] {
            var batch = RedisClusterBatch([RedisCommand("DEL", "a", "b")])
            for part in order {
                batch.take([part == 0 ? .integer(1) : .error(RedisServerError(line: "TRYAGAIN x"))], for: part)
            }
            #expect(batch.finished.first?.error?.code == "TRYAGAIN")
        }
    }
}
#endif
