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
@Suite("Machinery: chords and killed workers", .timeLimit(.minutes(1)))
struct ChordTriggerTests {
    private func store(_ url: String) throws -> MachineryRedisResults {
        MachineryRedisResults(
            try RedisConfiguration(url: url), eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func part(_ member: String, cameBack: Bool = false) -> ChordPart {
        var part = ChordPart(
            groupID: "group_1", taskID: member, index: nil, size: 2, payload: [], expiry: .seconds(3600))
        part.mayHaveCompleted = cameBack
        return part
    }

    private func isComplete(_ part: ChordPart, by store: MachineryRedisResults) async throws -> Bool {
        guard let completion = try await store.perform([.add(part)]).first ?? nil else { return false }
        #expect(completion.parts.count == 2)
        return true
    }

    @Test("the callback is sent by whoever runs the member again that completed the group, and by nobody else")
    func killed() async throws {
        let url = try await SharedServers.shared.redisDatabaseURL()
        let (killed, other) = (try store(url), try store(url))
        func end(_ member: String, by store: MachineryRedisResults) async throws {
            let state = MachineryTaskState(taskUUID: member, state: "SUCCESS")
            let payload = try state.encode()
            try await store.store([ResultRecord(taskID: member, state: .success, payload: payload)])
        }
        let group = MachineryGroupMeta(groupUUID: "group_1", taskUUIDs: ["a", "b"], createdAt: .zero)
        _ = try await other.perform([.save(groupID: "group_1", payload: group.encode(), expiry: .seconds(3600))])
        try await end("a", by: other)
        #expect(try await !isComplete(part("a"), by: other))
        #expect(try await !isComplete(part("a", cameBack: true), by: other))
        try await end("b", by: killed)
        #expect(try await isComplete(part("b"), by: killed))
        // It is killed now, before it sends the callback; and so is the next one.
        #expect(try await !isComplete(part("a", cameBack: true), by: other))
        #expect(try await !isComplete(part("b"), by: other))
        for _ in 0..<2 { #expect(try await isComplete(part("b", cameBack: true), by: other)) }
        await killed.close()
        await other.close()
    }
}
#endif
