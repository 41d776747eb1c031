#if AMQP
import CeleriacAMQP
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Logging
import MachineryWire
import NIOPosix
import Testing

@testable import MachineryDialect

/// Chords at RabbitMQ whose last member's worker dies after it has taken the ends of all members, and before it has sent the
/// callback.
@Suite("Machinery: chords at RabbitMQ and killed workers", .timeLimit(.minutes(5)))
struct AMQPChordTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func store(_ url: String) throws -> MachineryAMQPResults {
        MachineryAMQPResults(
            [try AMQPConfiguration(url: url)], eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: logger)
    }

    private func part(_ member: String, cameBack: Bool = false) throws -> ChordPart {
        let payload = try MachineryTaskState(taskUUID: member, state: "SUCCESS").encode()
        let part = ChordPart(
            groupID: "group_1", taskID: member, index: nil, size: 2, payload: payload, expiry: .seconds(3600))
        return cameBack ? part.cameBack() : part
    }

    private func join(_ part: ChordPart, by store: MachineryAMQPResults) async throws -> ChordCompletion? {
        try await store.perform([.add(part)]).first ?? nil
    }

    /// Joins as a worker does that waits as long as it is told to, but without the waits.
    private func joinAtLast(_ part: ChordPart, by store: MachineryAMQPResults) async throws -> ChordCompletion? {
        var part = part
        while part.waits < 8, let completion = try await join(part, by: store) {
            if completion.heldFor == nil { return completion }
            part = part.addedAgain()
        }
        return nil
    }

    private func members(of completion: ChordCompletion?) throws -> [String] {
        try (completion?.parts ?? []).map { try MachineryTaskState.decode($0).taskUUID }
    }

    private func hasQueue(_ name: String, at url: String) async throws -> Bool {
        let client = AMQPClient(
            configurations: [try AMQPConfiguration(url: url)], eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: logger)
        let isThere = try await client.connection().hasQueue(name)
        await client.close()
        return isThere
    }

    @Test("the callback is sent by whoever runs the member again that completed the group")
    func killed() async throws {
        let url = try await SharedServers.shared.rabbitMQVirtualHostURL()
        let (killed, other) = (try store(url), try store(url))
        let first = try await join(part("a"), by: killed)
        #expect(first == nil)
        let taken = try await join(part("b"), by: killed)
        let takenMembers = try members(of: taken)
        #expect(takenMembers == ["a", "b"])
        // It dies now, before it sends the callback.
        await killed.close()
        let again = try await joinAtLast(part("b", cameBack: true), by: other)
        let foundMembers = try members(of: again)
        #expect(foundMembers == ["a", "b"])
        let claim = try #require(again?.claim)
        _ = try await other.perform([.close(claim, succeeded: true)])
        let isLeft = try await hasQueue("group_1", at: url)
        #expect(!isLeft)
        await other.close()
    }

    @Test("the ends stay with a worker that lives, and a member that came back waits until the callback is sent")
    func held() async throws {
        let url = try await SharedServers.shared.rabbitMQVirtualHostURL()
        let (holder, other) = (try store(url), try store(url))
        _ = try await join(part("a"), by: holder)
        let taken = try await join(part("b"), by: holder)
        let claim = try #require(taken?.claim)
        // The answer was lost, and the worker asks again.
        let repeated = try await join(part("b"), by: holder)
        #expect(repeated == taken)
        // The broker has given its message to another worker, for instance because its other connection was lost.
        let member = try part("b", cameBack: true)
        let waiting = try await join(member, by: other)
        #expect(waiting?.heldFor == .seconds(1))
        #expect(waiting?.parts == [])
        let later = try await join(member.addedAgain(), by: other)
        #expect(later?.heldFor == .seconds(2))
        _ = try await holder.perform([.close(claim, succeeded: true)])
        let afterwards = try await join(member.addedAgain().addedAgain(), by: other)
        #expect(afterwards == nil)
        for queue in ["group_1", "group_1.celeriac.trigger"] {
            let isLeft = try await hasQueue(queue, at: url)
            #expect(!isLeft, "\(queue)")
        }
        await holder.close()
        await other.close()
    }

    @Test("a worker that holds the ends for long is waited for as a store that is out of reach")
    func heldTooLong() async throws {
        let url = try await SharedServers.shared.rabbitMQVirtualHostURL()
        let (holder, other) = (try store(url), try store(url))
        _ = try await join(part("a"), by: holder)
        _ = try await join(part("b"), by: holder)
        var member = try part("b", cameBack: true)
        for _ in 0..<8 { member = member.addedAgain() }
        do {
            _ = try await join(member, by: other)
            Issue.record("nobody was waited for")
        } catch let error as CeleriacError {
            #expect(error.code == .unavailable)
        }
        await holder.close()
        let again = try await joinAtLast(part("b", cameBack: true), by: other)
        let foundMembers = try members(of: again)
        #expect(foundMembers == ["a", "b"])
        await other.close()
    }

    @Test("a member whose worker died before it joined is counted, after a second look")
    func diedBefore() async throws {
        let url = try await SharedServers.shared.rabbitMQVirtualHostURL()
        let store = try store(url)
        _ = try await join(part("a"), by: store)
        let member = try part("b", cameBack: true)
        let unseen = try await join(member, by: store)
        #expect(unseen?.heldFor == .milliseconds(250))
        let completion = try await join(member.addedAgain(), by: store)
        let foundMembers = try members(of: completion)
        #expect(foundMembers == ["a", "b"])
        #expect(completion?.heldFor == nil)
        await store.close()
    }

    @Test("an end too many, which was published twice, counts once; else messages are counted, as Go counts them")
    func publishedTwice() throws {
        let states = try ["a", "a", "b"].map { try MachineryTaskState(taskUUID: $0, state: "SUCCESS").encode() }
        #expect(MachineryAMQPResults.eachOnce(states, 2) == [states[0], states[2]])
        #expect(MachineryAMQPResults.eachOnce(states, 3) == states)
        #expect(MachineryAMQPResults.eachOnce([states[0], states[0], states[0]], 2) == [states[0], states[0]])
    }
}
#endif
