#if Redis
import Celeriac
import CeleriacRedis
import CeleriacTestKit
import Testing

/// Tests that a Swift worker serves the tasks of Go producers and leaves the same keys with the same bytes in Redis as
/// the Go worker. Times and generated ids are exempt.
@Suite("Machinery on Redis: captures replayed", .timeLimit(.minutes(5)))
struct MachineryRedisReplayTests {
    static let cases: [String] = {
        let types = [
            "bool", "int", "int8", "int16", "int32", "int64", "uint", "uint8", "uint16", "uint32", "uint64", "float32",
            "float64", "string",
        ]
        let faults = [
            "bad-base64", "bytes-as-array", "exp-for-int", "float-for-int", "int-for-float", "int64-overflow",
            "int8-overflow", "null-string", "slice-null", "slice-scalar", "slice-string-for-ints", "string-for-bool",
            "too-few", "too-many", "type-mismatch", "uint-negative", "unknown-type", "wrong-value",
        ]
        let results = [
            "echo_ctx", "ret_float32s", "ret_floats", "ret_html", "ret_iface", "ret_map", "ret_nil_slice", "ret_ptr",
            "ret_struct",
        ]
        return [
            "redis-01-add", "goredis-01-add", "redis-03-args-null", "redis-03b-args-empty", "redis-05-multi-result",
        ]
            + types.flatMap { ["redis-02-arg-\($0)", "redis-02-arg-slice-\($0)"] } + ["redis-02-arg-slice-byte"]
            + results.map { "redis-06-result-\($0)" } + faults.map { "redis-15-badarg-\($0)" }
            + [
                "redis-07-chain", "redis-07c-chain-immutable", "redis-08-group", "redis-09-chord", "goredis-09-chord",
                "redis-09c-chord-immutable", "redis-11-retry", "redis-11b-retry-later-once", "redis-12-fail-onerror",
                "redis-12b-fail-res", "redis-13-panic_int", "redis-13-panic_string", "redis-13-panic_task",
                "redis-17-tracing-headers", "redis-21-onsuccess-two", "redis-14b-unregistered-ignore",
            ]
    }()

    @Test(arguments: cases)
    func theWorkerLeavesWhatGoLeft(_ name: String) async throws {
        let recorded = try RecordedCase(name)
        let bench = try await MachineryBench()
        for (key, value) in recorded.stored {
            _ = try await bench.redis.send(RedisCommand("SET", key, value, "EX", 3600))
        }
        for message in recorded.pushed { try await bench.push(message.utf8) }
        #expect(!recorded.pushed.isEmpty)
        let wanted = RecordedCase.normalized(recorded.left)
        let found = try await bench.run {
            // Only the final content is compared with Go's, so the worker gets time to finish.
            try await look(for: wanted, atMost: .seconds(20)) {
                RecordedCase.normalized(try await bench.content().withoutInFlight)
            }
        }
        #expect(found == wanted)
        // Once the worker has stopped, it has left nothing of its own.
        #expect(try await bench.content().keys.allSatisfy { !$0.contains(".celeriac.") })
        await bench.close()
    }
}

extension [String: [String]] {
    /// The content without the keys under which Celeriac's workers hold messages.
    var withoutInFlight: [String: [String]] { filter { !$0.key.contains(".celeriac.") } }
}
#endif
