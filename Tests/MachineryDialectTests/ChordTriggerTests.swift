#if Redis
import CeleriacCore
import CeleriacRedis
import CeleriacTestKit
import Logging
import MachineryWire
import NIOPosix
import Testing

@testable import MachineryDialect

/// Chords whose last member's worker is killed between the mark that the group was triggered and the callback.
@Suite("Machinery: chords and killed workers", .timeLimit(.minutes(5)))
struct ChordTriggerTests {
    private func store(_ url: String) throws -> MachineryRedisResults {
        MachineryRedisResults(
            try RedisConfiguration(url: url), eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func part(_ member: String, cameBack: Bool = false) -> ChordPart {
        let part = ChordPart(
            groupID: "group_1", taskID: member, index: nil, size: 2, payload: [], expiry: .seconds(3600))
        return cameBack ? part.cameBack() : part
    }

    private func isComplete(_ part: ChordPart, by store: MachineryRedisResults) async throws -> Bool {
        guard let completion = try await store.perform([.add(part)]).first ?? nil else { return false }
        #expect(completion.parts.count == 2)
        return true
    }

    private func store(_ state: String, of member: String, by store: MachineryRedisResults) async throws {
        let payload = try MachineryTaskState(taskUUID: member, state: state).encode()
        try await store.store([ResultRecord(taskID: member, state: TaskState(rawValue: state), payload: payload)])
    }

    private func open(by store: MachineryRedisResults) async throws {
        let group = MachineryGroupMeta(groupUUID: "group_1", taskUUIDs: ["a", "b"], createdAt: .zero)
        _ = try await store.perform([.save(groupID: "group_1", payload: group.encode(), expiry: .seconds(3600))])
    }

    @Test("the callback is sent by whoever runs the member again that completed the group, and by nobody else")
    func killed() async throws {
        let url = try await SharedServers.shared.redisDatabaseURL()
        let (killed, other) = (try store(url), try store(url))
        try await open(by: other)
        try await store("SUCCESS", of: "a", by: other)
        #expect(try await !isComplete(part("a"), by: other))
        #expect(try await !isComplete(part("a", cameBack: true), by: other))
        try await store("SUCCESS", of: "b", by: killed)
        #expect(try await isComplete(part("b"), by: killed))
        // It is killed now, before it sends the callback; and so is the next one.
        #expect(try await !isComplete(part("a", cameBack: true), by: other))
        #expect(try await !isComplete(part("b"), by: other))
        for _ in 0..<2 { #expect(try await isComplete(part("b", cameBack: true), by: other)) }
        await killed.close()
        await other.close()
    }

    @Test("the callback waits for all members that came back with the one that completed the group")
    func killedWithOthers() async throws {
        let url = try await SharedServers.shared.redisDatabaseURL()
        let (killed, other) = (try store(url), try store(url))
        try await open(by: other)
        for member in ["a", "b"] { try await store("SUCCESS", of: member, by: killed) }
        #expect(try await isComplete(part("b"), by: killed))
        // Both run again, and the one for which the group was triggered ends first.
        try await store("STARTED", of: "a", by: other)
        try await store("SUCCESS", of: "b", by: other)
        #expect(try await !isComplete(part("b", cameBack: true), by: other))
        try await store("SUCCESS", of: "a", by: other)
        #expect(try await isComplete(part("a", cameBack: true), by: other))
        #expect(try await !isComplete(part("b", cameBack: true), by: other))
        await killed.close()
        await other.close()
    }
}
#endif
