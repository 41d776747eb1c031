#if Redis
import Celeriac
import MachineryWire
import CeleriacRedis
import CeleriacTestKit
import Foundation
import Testing

/// Tests that a Swift producer leaves the same keys with the same bytes in Redis as a Go producer, before any worker
/// runs. Times and generated ids are exempt.
@Suite("Machinery on Redis: what producers send", .timeLimit(.minutes(5)))
struct MachineryRedisProducerTests {
    private func check(
        _ name: String, bench: MachineryBench? = nil, _ send: (MachineryServer) async throws -> Void
    ) async throws {
        let bench = if let bench { bench } else { try await MachineryBench() }
        try await send(bench.server)
        let recorded = try RecordedCase(name)
        #expect(RecordedCase.normalized(try await bench.content()) == RecordedCase.normalized(recorded.left))
        #expect(!recorded.left.isEmpty)
        for key in try await bench.content().keys where key.contains("-") {
            let ttl = try await bench.int(RedisCommand("TTL", key))
            #expect(ttl > 3500 && ttl <= 3600)
        }
        await bench.close()
    }

    private func add(_ numbers: Int..., server: MachineryServer) throws -> MachinerySignature {
        try server.signature(MachineryTasks.add(Variadic(numbers)))
    }

    @Test func aTask() async throws {
        try await check("redis-01b-add-unconsumed") { server in try await server.send(MachineryTasks.add([1, 2])) }
        try await check("redis-01b-add-unconsumed") { server in
            try await server.send(Signature("add", arguments: [1, ["Type": "int64", "Value": 2]]))
        }
        try await check("redis-01b-add-unconsumed") { server in
            try await server.send(try add(1, 2, server: server))
        }
    }

    @Test func aDelayedTask() async throws {
        for name in ["redis-10-delayed-unconsumed", "goredis-10-delayed-unconsumed"] {
            try await check(name) { server in
                try await server.send(MachineryTasks.add([1, 2]), countdown: .seconds(60))
            }
        }
        let bench = try await MachineryBench(redis: MachineryRedisSettings(delayedTasksKey: "my_delayed"))
        try await check("redis-10c-delayed-key", bench: bench) { server in
            try await server.send(MachineryTasks.add([1, 2]), countdown: .seconds(60))
        }
    }

    @Test func aChain() async throws {
        try await check("redis-07b-chain-unconsumed") { server in
            try await server.send(
                MachineryChain([
                    add(1, 1, server: server), add(5, 5, server: server),
                    server.signature(MachineryTasks.multiply([4])),
                ]))
        }
    }

    @Test func aGroup() async throws {
        try await check("redis-08b-group-unconsumed") { server in
            try await server.send(MachineryGroup([add(1, 1, server: server), add(2, 2, server: server)]))
        }
    }

    @Test func aChord() async throws {
        let document = try RecordedCase("redis-09b-chord-unconsumed")
        #expect(document.left["machinery_tasks"]?.count == 2)
        try await check("redis-09b-chord-unconsumed") { server in
            let group = MachineryGroup([try add(1, 1, server: server), try add(5, 5, server: server)])
            try await server.send(MachineryChord(group, callback: MachinerySignature(name: "multiply")))
        }
    }

    @Test func aSignatureWithEveryField() async throws {
        let recorded = try RecordedCase("redis-04-full-signature")
        let message = try #require(recorded.left["my_queue"]?.first)
        var signature = try MachinerySignature.decode(Array(message.utf8))
        let bench = try await MachineryBench()
        // Its headers contain a number and an object, so a Go worker could not forward them.
        await #expect { try await bench.server.send(signature) } throws: {
            ($0 as? CeleriacError)?.code == .unsupported
        }
        signature.headers = ["k": "v"]
        try await bench.server.send(signature)
        let sent = try await bench.elements(of: "my_queue").map { String(decoding: $0, as: UTF8.self) }
        #expect(
            sent == [
                message.replacing(
                    #""Headers":{"b":true,"k":"v","m":{"z":1},"n":5,"nil":null}"#, with: #""Headers":{"k":"v"}"#)
            ])
        await bench.close()
    }

    @Test func whatCannotBeSentIsRefusedBeforeAnythingIsStored() async throws {
        let bench = try await MachineryBench()
        for arguments: [WireValue] in [
            [["Type": "int8", "Value": 300]], [["Type": "map", "Value": 1]], [["Type": "[]int64", "Value": 5]],
            [["Type": "[]bool", "Value": true]], [.null], [["a": 1]],
        ] {
            await #expect { try await bench.server.send(Signature("add", arguments: arguments)) } throws: {
                ($0 as? CeleriacError)?.code == .argumentMismatch
            }
        }
        await #expect(throws: CeleriacError.self) {
            try await bench.server.send(Signature("add", keywordArguments: ["x": 1]))
        }
        await #expect(throws: CeleriacError.self) {
            try await bench.server.send(MachineryTasks.add([1]), expires: Date.distantFuture)
        }
        #expect(try await bench.content().isEmpty)
        await bench.close()
    }
}
#endif
