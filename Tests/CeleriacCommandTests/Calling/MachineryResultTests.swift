#if Redis
import CeleriacRedis
import CeleriacTestKit
import Logging
import NIOPosix
import Testing

/// `celeriac result --dialect machinery` beside states as Go's workers store them.
@Suite("celeriac result of Machinery's tasks", .timeLimit(.minutes(2)))
struct MachineryResultTests {
    @Test("shows states, results and errors")
    func showsStates() async throws {
        let url = try await SharedServers.shared.redisDatabaseURL()
        let redis = RedisClient(
            try RedisConfiguration(url: url), eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: Logger(label: "test"))
        func store(_ id: String, _ state: String, results: String = "null", error: String = "") async throws {
            let fields = #""TaskUUID":"\#(id)","TaskName":"add","State":"\#(state)","Results":\#(results),"#
            let payload = #"{\#(fields)"Error":"\#(error)","CreatedAt":"2026-11-30T01:02:03Z","TTL":0}"#
            try await redis.send(RedisCommand("SET", id, payload))
        }
        func result(_ id: String, _ arguments: String...) async throws -> CommandRun {
            try await CommandRun(["result", id, "--dialect", "machinery", "--result-backend", url] + arguments)
        }

        try await store("task_1", "SUCCESS", results: #"[{"Type":"int64","Value":5}]"#)
        let one = try await result("task_1")
        #expect(one.status == .exited(0) && one.output == "SUCCESS 5\n", "\(one.errors)")
        let json = try await result("task_1", "--json")
        #expect(json.output == #"{"id": "task_1", "state": "SUCCESS", "result": 5}"# + "\n")
        // Where no backend is named, the broker stores the results.
        let broker = try await CommandRun(["result", "task_1", "--dialect", "machinery"], variables: ["BROKER": url])
        #expect(broker.output == "SUCCESS 5\n", "\(broker.errors)")
        try await store("task_2", "SUCCESS", results: #"[{"Type":"int64","Value":5},{"Type":"string","Value":"x"}]"#)
        #expect(try await result("task_2").output == #"SUCCESS [5, "x"]"# + "\n")
        try await store("task_3", "STARTED")
        #expect(try await result("task_3", "--no-wait").output == "STARTED\n")
        try await store("task_4", "FAILURE", error: "boom")
        let failed = try await result("task_4")
        #expect(failed.status == .exited(1) && failed.output.isEmpty)
        #expect(failed.errors == #"FAILURE error ["boom"]"# + "\n")
        let unknown = try await result("task_5", "--no-wait")
        #expect(unknown.status == .exited(0) && unknown.output == "PENDING\n")
        let late = try await result("task_3", "--timeout", "0.2")
        #expect(late.status == .exited(2) && late.output.isEmpty)
        #expect(late.errors.contains("within 0.2 s; celeriac result task_3 --dialect machinery"), "\(late.errors)")
        await redis.close()
    }

    @Test("takes no result from whoever waits for it, and names what is missing")
    func refusals() async throws {
        let taking = try await CommandRun(
            ["result", "x", "--dialect", "machinery", "--result-backend", "amqp://127.0.0.1:1"])
        #expect(taking.status == .exited(64) && taking.errors.contains("whoever reads them first"), "\(taking.errors)")
        let nowhere = try await CommandRun(["result", "x", "--dialect", "machinery"])
        #expect(nowhere.status == .exited(64) && nowhere.errors.contains("RESULT_BACKEND"), "\(nowhere.errors)")
    }
}
#endif
