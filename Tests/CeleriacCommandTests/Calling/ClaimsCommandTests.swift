#if Redis
import Celeriac
import CeleriacCore
import CeleriacRedis
import CeleriacTestKit
import CeleriacWire
import Foundation
import Logging
import NIOPosix
import Testing

/// `celeriac claims` beside the keys that a killed worker leaves.
@Suite("celeriac claims", .timeLimit(.minutes(5)))
struct ClaimsCommandTests {
    private func json(_ run: CommandRun) throws -> WireValue { try WireJSON.decode(Array(run.output.utf8)) }

    @Test("lists claims, and gives back those alone whose worker has ended")
    func givesBack() async throws {
        let url = try await SharedServers.shared.redisDatabaseURL()
        let redis = RedisClient(
            try RedisConfiguration(url: url), eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: Logger(label: "test"))
        let now = Date().timeIntervalSince1970
        func body(_ id: String) -> String { #"{"UUID":"\#(id)","Name":"tasks.add","RoutingKey":"","Args":null}"# }
        for (tag, id, age) in [("a.0", "task_1", 90_000.0), ("a.1", "task_2", 30_000), ("b.0", "task_3", -90_000)] {
            try await redis.send(RedisCommand("HSET", "machinery_tasks.celeriac.claims", tag, body(id)))
            try await redis.send(RedisCommand("ZADD", "machinery_tasks.celeriac.claimed", now - age, tag))
        }
        try await redis.send(RedisCommand("RPUSH", "machinery_tasks", body("task_4")))
        func claims(_ arguments: String...) async throws -> CommandRun {
            try await CommandRun(["claims"] + arguments + ["-b", url])
        }
        func waiting() async throws -> [String] {
            try await redis.send(RedisCommand("LRANGE", "machinery_tasks", 0, -1)).array?.compactMap(\.string) ?? []
        }

        let listed = try await json(claims("list", "--json"))["claims"]?.arrayValue ?? []
        #expect(listed.map { $0["task_id"]?.stringValue } == ["task_1", "task_2", "task_3"])
        #expect(listed.map { $0["expired"]?.boolValue } == [true, true, false])
        #expect(listed.allSatisfy { $0["task"] == "tasks.add" })
        let table = try await claims()
        #expect(table.output.hasPrefix("CLAIM ") && table.output.split(separator: "\n").count == 4)
        #expect(try await claims("list", "--queue", "other").output == "No worker holds anything of other.\n")

        let dry = try await json(claims("requeue", "--dry-run", "--json"))
        #expect(dry["count"] == 2 && dry["dry_run"] == true)
        #expect(try await waiting() == [body("task_4")])
        // Whoever says that claims last longer gives back fewer.
        #expect(try await json(claims("requeue", "--claim-timeout", "60000", "--json"))["count"] == 1)
        #expect(try await claims("requeue").output == "a.1  tasks.add  task_2\n1 message put back\n")
        #expect(try await waiting() == [body("task_2"), body("task_1"), body("task_4")])
        #expect(try await json(claims("list", "--json"))["claims"]?.arrayValue?.count == 1)
        #expect(try await claims("requeue").output == "0 messages put back\n")

        #expect(try await claims("list", "--dialect", "celery").status == .exited(64))
        #expect(try await claims("list", "--claim-timeout", "0").status == .exited(64))
        let elsewhere = try await CommandRun(["claims", "list", "-b", "memory://"])
        #expect(elsewhere.status == .exited(2) && elsewhere.errors.contains("only Machinery's queues in Redis"))
        let unreachable = try await CommandRun(["claims", "list", "-b", "redis://127.0.0.1:1/0"])
        #expect(unreachable.status == .exited(2) && unreachable.errors.hasPrefix("Error: "))
        await redis.close()
    }
}
#endif
