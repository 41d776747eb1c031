#if AMQP && Redis
import Celeriac
import CeleriacTestKit
import Foundation
import MachineryWire
import NIOConcurrencyHelpers
import Synchronization
import Testing

/// Chords whose store loses one reply, and the connection with it, while the members join.
@Suite("Machinery: chords and lost replies", .timeLimit(.minutes(5)))
struct MachineryChordFaultTests {
    /// Tells when the bytes of a call were seen for the `turn`-th time.
    private final class Trigger: Sendable {
        private let parts: [[UInt8]]
        private let turn: Int
        private let seen = Atomic(0)

        init(_ parts: [[UInt8]], turn: Int) {
            self.parts = parts
            self.turn = turn
        }

        var hasFired: Bool { seen.load(ordering: .relaxed) >= turn }

        func fires(on bytes: [UInt8]) -> Bool {
            guard parts.allSatisfy({ bytes.contains($0) }) else { return false }
            return seen.add(1, ordering: .relaxed).newValue == turn
        }
    }

    /// Sends a chord while the worker's store is behind a proxy, and checks that its callback runs once, with all
    /// results.
    private func check(_ trigger: Trigger, at server: String, amqp: MachineryAMQPOptions?, sameID: String? = nil)
        async throws
    {
        let (proxy, url) = try await RecordingProxy.start(
            before: server, losesReply: { trigger.fires(on: $0) })
        let bench = try await MachineryBench(broker: server, backend: url, amqp: amqp)
        let sender = try await MachineryBench(broker: server, backend: server, amqp: amqp).server
        let calls = NIOLockedValueBox<[[Int]]>([])
        let worker = bench.server.worker(consumerTag: "chord_worker", concurrency: 3) {
            MachineryTasks.add.handler { $0.elements.reduce(0, +) }
            MachineryTasks.multiply.handler { numbers in
                calls.withLockedValue { $0.append(numbers.elements) }
                return numbers.elements.reduce(1, *)
            }
        }
        let product = try await bench.run(worker) {
            var members = try [2, 3, 7].map { try sender.signature(MachineryTasks.add([$0])) }
            if let sameID { for index in members.indices { members[index].uuid = sameID } }
            let callback = try sender.signature(MachineryTasks.multiply([]))
            let chord = try await sender.send(MachineryChord(MachineryGroup(members), callback: callback))
            return try await chord.get(timeout: .seconds(120))
        }
        #expect(product == 42)
        #expect(calls.withLockedValue { $0.map { $0.sorted() } } == [[2, 3, 7]])
        await sender.close()
        await bench.close()
        try await proxy.stop()
    }

    @Test("the callback is not lost with the reply that this worker is the one to send it")
    func redis() async throws {
        let url = try await SharedServers.shared.redisDatabaseURL()
        let trigger = Trigger([Array(#""ChordTriggered":true"#.utf8)], turn: 1)
        try await check(trigger, at: url, amqp: nil)
        #expect(trigger.hasFired)
    }

    /// Calls about the queue of the group, by the class and the method of their frames.
    static let calls: [(name: String, method: [UInt8], turns: ClosedRange<Int>)] = [
        ("queue.declare", [0, 50, 0, 10], 1...3),
        ("basic.publish", [0, 60, 0, 40], 1...2),
        ("basic.get", [0, 60, 0, 70], 1...3),
        ("queue.delete", [0, 50, 0, 40], 1...1),
    ]

    @Test(
        "a member counts once, and what was taken is not lost",
        arguments: calls.flatMap { call in
            call.turns.map { (call.name, call.method, $0) }
        })
    func rabbitMQ(_ name: String, _ method: [UInt8], _ turn: Int) async throws {
        let url = try await SharedServers.shared.rabbitMQVirtualHostURL()
        let trigger = Trigger([method, Array("group_".utf8)], turn: turn)
        try await check(trigger, at: url, amqp: MachineryAMQPOptions())
        // Members that end together join together, by one declaration and one publication.
        #expect(trigger.hasFired || turn > 1 && name != "basic.get")
    }

    @Test("members that a Go program gave one id are counted as messages, as Go counts them")
    func membersWithOneID() async throws {
        let url = try await SharedServers.shared.rabbitMQVirtualHostURL()
        try await check(
            Trigger([Array("nothing".utf8)], turn: .max), at: url, amqp: MachineryAMQPOptions(), sameID: "task_same")
    }
}
#endif
