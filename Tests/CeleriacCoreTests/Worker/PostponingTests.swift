import CeleriacTestKit
import CeleriacWire
import FoundationEssentials
import NIOConcurrencyHelpers
import Testing

@testable import CeleriacCore

@Suite("Postponing", .timeLimit(.minutes(5))) struct PostponingTests {
    private let parts = Parts { TaskHandler("work") { _ in .null } }

    private func job(_ id: String, after seconds: Double) throws -> Job {
        try parts.job(id) { $0.eta = parts.timers.now.addingTimeInterval(seconds) }
    }

    @Test("takes what is further away than the consumer holds, if it holds not everything")
    func takes() throws {
        func isTaken(after seconds: Double) throws -> Bool {
            parts.postponing.take(try job("1", after: seconds), delay: .seconds(seconds))
        }
        #expect(try !isTaken(after: 1e9))
        parts.consumer.hold(atMost: .seconds(600))
        #expect(try !isTaken(after: 600) && isTaken(after: 601) && parts.postponing.count == 1)
    }

    @Test("copies what waits in one go, and says of each what became of it", arguments: [true, false])
    func copies(_ isTaking: Bool) async throws {
        parts.consumer.hold(atMost: .seconds(600), isTaking: isTaking)
        let jobs = try (1...3).map { try job("\($0)", after: 1000) }
        for job in jobs { #expect(parts.postponing.take(job, delay: .seconds(1000))) }
        let left = NIOLockedValueBox<([String], [String])>(([], []))
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await parts.postponing.run { moved, unmoved in
                    left.withLockedValue { $0 = (moved.map(\.request.id), unmoved.map(\.request.id)) }
                    parts.postponing.close()
                }
            }
            #expect(await parts.postponing.unmoved().isEmpty)
        }
        #expect(parts.consumer.postponed.map(\.receipt) == jobs.map(\.receipt))
        #expect(left.withLockedValue { isTaking ? $0.0 : $0.1 } == ["1", "2", "3"])
        #expect(left.withLockedValue { isTaking ? $0.1 : $0.0 } == [] && parts.postponing.count == 0)
    }

    @Test("copies nothing more once the worker stops")
    func stops() async throws {
        parts.consumer.hold(atMost: .zero)
        #expect(parts.postponing.take(try job("1", after: 10), delay: .seconds(10)))
        parts.postponing.close()
        await parts.postponing.run { moved, unmoved in #expect(moved.isEmpty && unmoved.isEmpty) }
        #expect(await parts.postponing.unmoved().map(\.request.id) == ["1"] && parts.consumer.postponed.isEmpty)
    }

    @Test("a revocation lasts until the task is back")
    func revocation() throws {
        parts.consumer.hold(atMost: .seconds(600))
        let (job, lifetime) = (try job("1", after: 1e6), RevocationLimits().lifetime.seconds)
        #expect(parts.postponing.take(job, delay: .seconds(1e6)))
        parts.revocations.revoke(["1"])
        let now = parts.timers.now
        #expect(parts.revokedTasks.contains(job.request, now: now.addingTimeInterval(1e6 + lifetime - 1)))
        #expect(!parts.revokedTasks.contains(job.request, now: now.addingTimeInterval(1e6 + lifetime)))
    }

    @Test("copies at most a hundred messages in one go")
    func portions() async throws {
        parts.consumer.hold(atMost: .seconds(600))
        for number in 0..<250 {
            #expect(parts.postponing.take(try job("\(number)", after: 1000), delay: .seconds(1000)))
        }
        let portions = NIOLockedValueBox<[Int]>([])
        await parts.postponing.run { moved, _ in
            let isLast = portions.withLockedValue { portions in
                portions.append(moved.count)
                return portions.reduce(0, +) == 250
            }
            if isLast { parts.postponing.close() }
        }
        #expect(portions.withLockedValue { $0 } == [100, 100, 50])
    }

    // MARK: In a worker

    @Test("a copy of which the worker did not hear is not run beside the message that it kept")
    func unheardCopy() async throws {
        let box = NIOLockedValueBox<KeepingBroker?>(nil)
        let bench = Bench { memory in
            let broker = KeepingBroker(memory)
            box.withLockedValue { $0 = broker }
            return broker
        }
        let broker = try #require(box.withLockedValue { $0 })
        let (ran, received) = (NIOLockedValueBox(0), Received())
        let worker = bench.worker {
            $0.observers = [received]
        } handlers: {
            TaskHandler("work") { _ in
                ran.withLockedValue { $0 += 1 }
                return .null
            }
        }
        try await bench.run(worker) {
            let eta = bench.timers.now.addingTimeInterval(5000).timeIntervalSince1970
            let body = Array(#"{"id": "unheard", "name": "work", "eta": \#(eta)}"#.utf8)
            try await broker.publish([OutgoingMessage(message: WireMessage(body: body), routingKey: "q")])
            await until { received.gate.isOpen }
            #expect(broker.kept.count == 1)
            bench.timers.advance(by: .seconds(4999))
            try await broker.release()
            await until { broker.acknowledged == 1 }
            #expect(ran.withLockedValue { $0 } == 0)
            bench.timers.advance(by: .seconds(2))
            await until { broker.acknowledged == 2 }
        }
        #expect(ran.withLockedValue { $0 } == 1)
    }

    @Test("a worker acknowledges what the broker keeps, and runs what comes back; it waits here for the rest")
    func worker() async throws {
        let box = NIOLockedValueBox<KeepingBroker?>(nil)
        let bench = Bench { memory in
            let broker = KeepingBroker(memory)
            box.withLockedValue { $0 = broker }
            return broker
        }
        let broker = try #require(box.withLockedValue { $0 })
        let ran = NIOLockedValueBox<[String]>([])
        let worker = bench.worker {
            TaskHandler("work") { context in
                ran.withLockedValue { $0.append(context.request.id) }
                return .null
            }
        }
        @Sendable func send(_ id: String, after seconds: Double) async throws {
            let eta = bench.timers.now.addingTimeInterval(seconds).timeIntervalSince1970
            let body = #"{"id": "\#(id)", "name": "work", "eta": \#(eta)}"#
            try await broker.publish([OutgoingMessage(message: WireMessage(body: Array(body.utf8)), routingKey: "q")])
        }
        try await bench.run(worker) {
            try await send("kept", after: 5000)
            try await send("near", after: 100)
            await until { broker.kept.count == 1 && broker.acknowledged == 1 }
            try await send("refused", after: 5001)
            await until { broker.refused == 1 }
            // What was not taken waits here.
            await until { broker.holds.last == 2 }
            bench.timers.advance(by: .seconds(100))
            await until { ran.withLockedValue { $0 } == ["near"] }
            bench.timers.advance(by: .seconds(4800))
            try await broker.release()
            bench.timers.advance(by: .seconds(100))
            await until { ran.withLockedValue { $0.contains("kept") } }
            bench.timers.advance(by: .seconds(1))
            await until { ran.withLockedValue { $0 } == ["near", "kept", "refused"] }
        }
        #expect(broker.refused == 1 && broker.kept.isEmpty)
    }
}

/// Opens its gate when the worker has received a task, which waits here from then on.
private final class Received: WorkerObserver {
    let gate = Gate()
    var isListening: Bool { true }

    func observe(_ event: WorkerEvent, at time: Date) { if case .received = event { gate.open() } }
}

/// A broker in memory that keeps messages for later, except those whose body says `refused`. Of those whose body says
/// `unheard`, nobody hears that it keeps them.
private final class KeepingBroker: MessageBroker {
    struct State {
        var bodies: [Receipt: [UInt8]] = [:]
        var kept: [[UInt8]] = []
        var moves: [[UInt8]: Int] = [:]
        var refused = 0
        var acknowledged = 0
        var holds: [Int] = []
    }
    private let base: MemoryBroker
    let state = NIOLockedValueBox(State())

    init(_ base: MemoryBroker) { self.base = base }

    var name: String { base.name }
    var kept: [[UInt8]] { state.withLockedValue { $0.kept } }
    var refused: Int { state.withLockedValue { $0.refused } }
    var acknowledged: Int { state.withLockedValue { $0.acknowledged } }
    var holds: [Int] { state.withLockedValue { $0.holds } }

    /// Sends what was kept back to its queue.
    func release() async throws {
        let bodies = state.withLockedValue { state in
            defer { state.kept = [] }
            return state.kept
        }
        try await publish(bodies.map { OutgoingMessage(message: WireMessage(body: $0), routingKey: "q") })
    }

    func publish(_ messages: [OutgoingMessage]) async throws { try await base.publish(messages) }
    func depth(of queue: String) async throws -> Int { try await base.depth(of: queue) }
    func purge(_ queue: String) async throws -> Int { try await base.purge(queue) }
    func close() async { await base.close() }
    func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
        Consumer(broker: self, base: try await base.consume(options))
    }

    private struct Consumer: PostponingConsumer {
        let broker: KeepingBroker
        let base: any MessageConsumer

        var longestHold: Duration? { .seconds(600) }

        func postpone(_ postponements: [Postponement]) async -> [Bool] {
            broker.state.withLockedValue { state in
                postponements.map { postponement in
                    guard let body = state.bodies[postponement.receipt] else { return false }
                    guard !String(decoding: body, as: UTF8.self).contains("refused") else {
                        state.refused += 1
                        return false
                    }
                    state.kept.append(body)
                    state.moves[body, default: 0] += 1
                    return !String(decoding: body, as: UTF8.self).contains("unheard")
                }
            }
        }

        func next(atMost limit: Int) async throws -> [Delivery] {
            var deliveries = try await base.next(atMost: limit)
            broker.state.withLockedValue { state in
                for index in deliveries.indices {
                    guard let body = try? deliveries[index].content.get().body else { continue }
                    state.bodies[deliveries[index].receipt] = body
                    deliveries[index].moves = state.moves[body] ?? 0
                }
            }
            return deliveries
        }

        func settle(_ settlements: [Settlement]) async throws {
            broker.state.withLockedValue { $0.acknowledged += settlements.count }
            try await base.settle(settlements)
        }

        func isHeld(_ receipt: Receipt) -> Bool { base.isHeld(receipt) }
        func hold(_ count: Int) async throws { broker.state.withLockedValue { $0.holds.append(count) } }
        func giveBack(_ receipts: [Receipt]) async throws { try await base.giveBack(receipts) }
        func stop() async { await base.stop() }
        func close() async throws { try await base.close() }
    }
}
