import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Foundation
import Logging
import Testing

@testable import CeleriacCommand

/// Tests a migration between brokers in this process.
@Suite("A migration", .timeLimit(.minutes(2))) struct MigrationTests {
    /// A source and a target of Celery's, and a journal.
    private struct Bench {
        let folder: TemporaryFolder
        let source: CeleryApp
        let memory = MemoryBroker()
        let target: TaskClient
        let stopping = Gate()
        let journal: MigrationJournal

        init(refusing: Set<Int> = []) throws {
            folder = try TemporaryFolder("migrate")
            source = try CeleryApp(broker: "memory://")
            target = TaskClient(
                dialect: source.client.dialect, broker: ChoosyBroker(memory: memory, refusing: refusing), store: nil,
                configuration: ClientConfiguration(defaultQueue: "celery"), timers: source.client.timers,
                logger: Logger(label: "test"))
            journal = try MigrationJournal(folder.path + "/m.journal", from: "source", to: "target")
        }

        func send(_ numbers: Range<Int>, queue: String = "celery", priority: UInt8? = nil) async throws {
            try await Self.send(numbers, from: source, queue: queue, priority: priority)
        }

        static func send(
            _ numbers: Range<Int>, from source: CeleryApp, queue: String = "celery", priority: UInt8? = nil
        ) async throws {
            let add = TaskDefinition<Int, Int>("tasks.add")
            for number in numbers { try await source.send(add(number), priority: priority, queue: queue) }
        }

        func migration(
            _ queues: [String] = ["celery"], _ change: (inout Migration.Options) -> Void = { _ in }
        ) -> Migration {
            var options = Migration.Options(queues: queues)
            options.quiet = .milliseconds(20)
            options.batch = 7
            change(&options)
            return Migration(from: source.client, to: target, options, journal: journal, stopping: stopping)
        }

        /// The arguments of the tasks at the target, in their order.
        func moved(_ queue: String = "celery") async throws -> [Int] { try await numbers(memory, queue) }

        /// The arguments of the tasks that wait in a queue, which stay there.
        func numbers(_ broker: any MessageBroker, _ queue: String) async throws -> [Int] {
            let count = try await broker.depth(of: queue)
            guard count > 0 else { return [] }
            let consumer = try await broker.consume(
                ConsumerOptions(queues: [TaskQueue(queue)], prefetch: count, nodeName: "test"))
            let deliveries = try await consumer.next(atMost: count)
            try await consumer.close()
            return deliveries.compactMap { delivery -> Int? in
                guard case .success(let message) = delivery.content else { return nil }
                return (try? source.client.dialect.request(of: message, delivery: delivery))?.arguments.first?.intValue
            }
        }

        func close() async {
            journal.close(isComplete: true)
            await source.close()
            folder.remove()
        }
    }

    /// A broker that refuses tasks by their first argument.
    private struct ChoosyBroker: MessageBroker {
        let memory: MemoryBroker
        let refusing: Set<Int>
        var name: String { "choosy" }

        func publish(_ messages: [OutgoingMessage]) async throws {
            var refused: [Int: CeleriacError] = [:]
            for (index, message) in messages.enumerated() {
                let body = (try? WireJSON.decode(message.message.body)) ?? .null
                if refusing.contains(body[0]?[0]?.intValue ?? -1) {
                    refused[index] = CeleriacError(.publishFailed, "too odd")
                } else {
                    try await memory.publish([message])
                }
            }
            try PartialPublishError.check(refused: refused, of: messages.count)
        }

        func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
            try await memory.consume(options)
        }

        func depth(of queue: String) async throws -> Int { try await memory.depth(of: queue) }
    }

    @Test("moves the queues that are named, in their order, and no other")
    func moves() async throws {
        let bench = try Bench()
        try await bench.send(0..<50)
        try await bench.send(50..<60, queue: "mail", priority: 3)
        try await bench.send(60..<65, queue: "other")
        var migration = bench.migration(["celery", "mail"])
        try await migration.run()
        #expect(migration.tally.moved == ["celery": 50, "mail": 10] && migration.tally.leftCount == 0)
        #expect(try await bench.moved() == Array(0..<50))
        #expect(try await bench.moved("mail") == Array(50..<60))
        #expect(try await bench.source.client.broker.depth(of: "celery") == 0)
        #expect(try await bench.source.client.broker.depth(of: "other") == 5)
        await bench.close()
    }

    @Test("what the target refuses stays, in its order, with the reason; the rest goes")
    func refusals() async throws {
        let bench = try Bench(refusing: [3, 4, 11])
        try await bench.send(0..<20)
        var migration = bench.migration()
        try await migration.run()
        #expect(migration.tally.movedCount == 17 && migration.tally.left == ["too odd": 3])
        #expect(try await bench.moved() == (0..<20).filter { ![3, 4, 11].contains($0) })
        #expect(try await bench.numbers(bench.source.client.broker, "celery") == [3, 4, 11])
        await bench.close()
    }

    @Test("moves no more than its limit, and goes on later")
    func limit() async throws {
        let bench = try Bench()
        try await bench.send(0..<20)
        var migration = bench.migration { $0.limit = 9 }
        try await migration.run()
        #expect(migration.tally.movedCount == 9 && migration.isOver)
        #expect(try await bench.moved() == Array(0..<9))
        var rest = bench.migration()
        try await rest.run()
        #expect(rest.tally.movedCount == 11 && !rest.isOver)
        #expect(try await bench.moved() == Array(0..<20))
        await bench.close()
    }

    @Test("what an earlier run has moved is not moved again, but what was only sent again is")
    func recognizes() async throws {
        let bench = try Bench()
        try await bench.send(0..<10)
        // As after a crash between the target's answer and the end at the source: all of them come back.
        let broker = bench.source.client.broker
        let consumer = try await broker.consume(
            ConsumerOptions(queues: ["celery"], prefetch: 10, nodeName: "killed"))
        let held = try await consumer.next(atMost: 10)
        let messages = held.compactMap { try? $0.content.get() }
        try await bench.memory.publish(messages.prefix(4).map { OutgoingMessage(message: $0, routingKey: "celery") })
        try bench.journal.note(messages.prefix(4).map { MigrationJournal.key(of: $0, in: "celery") })
        try await consumer.close()
        var migration = bench.migration()
        try await migration.run()
        #expect(migration.tally.recognized == 4 && migration.tally.movedCount == 6)
        #expect(try await bench.moved() == Array(0..<10))
        // The same bytes once more, which nobody has delivered before.
        try await broker.publish([OutgoingMessage(message: messages[0], routingKey: "celery")])
        var again = bench.migration()
        try await again.run()
        #expect(again.tally.movedCount == 1 && again.tally.recognized == 0)
        await bench.close()
    }

    @Test("takes with it what comes meanwhile, until it is told to end")
    func follows() async throws {
        let bench = try Bench()
        try await bench.send(0..<5)
        let (source, memory, stopping) = (bench.source, bench.memory, bench.stopping)
        let ending = Task {
            await until { memory.count(in: "celery") == 5 }
            try await Bench.send(5..<8, from: source)
            await until { memory.count(in: "celery") == 8 }
            stopping.open()
        }
        var migration = bench.migration { $0.follows = true }
        try await migration.run()
        try await ending.value
        #expect(migration.tally.movedCount == 8 && migration.isOver)
        #expect(try await bench.moved() == Array(0..<8))
        await bench.close()
    }

    @Test("a rate of next to nothing is a long pause, which a stop ends")
    func slowest() async throws {
        let bench = try Bench()
        var migration = bench.migration { $0.rate = 1e-300 }
        migration.tally.move(of: "celery")
        bench.stopping.open()
        await migration.keepPace()
        #expect(bench.stopping.isOpen)
        await bench.close()
    }

    @Test("says how far it is, and adds up at the end")
    func words() {
        var tally = MigrationTally()
        tally.move(5, of: "celery")
        #expect(tally.line(of: 10, rate: 12.7) == "[##########..........] 5 of 10 moved, 12/s")
        tally.leave("too odd")
        #expect(tally.line(of: 0, rate: 0) == "[####################] 5 of 5 moved, 1 stays, 0/s")
        var report = MigrationReport(queues: ["celery"], isDryRun: false)
        report.tally = tally
        report.sourceBefore.waiting = ["celery": 4]
        report.sourceAfter.waiting = ["celery": 1]
        #expect(report.arrived == 2 && !report.isComplete)
        #expect(report.object["reasons"] == ["too odd": 1] && report.object["moved"] == 5)
        #expect(report.lines.contains("1 message stays at the source: too odd"))
        report.tally.scheduled = 1
        #expect(report.lines.contains("1 of them waits for its time."))
        report.tally.scheduled = 2
        #expect(report.lines.contains("2 of them wait for their times."))
        report.tally.recognized = 1
        report.tally.raced = 1
        report.sourceAfter.delayed = 1
        report.sourceAfter.held = 1
        for line in [
            "1 was at the target already, from an earlier run.",
            "1 was taken by a worker of the source after the target had got a copy.",
            "The source keeps 1 message until its time.",
            "Workers of the source hold 1 message, which stays with them.",
        ] {
            #expect(report.lines.contains(line), "\(line)")
        }
    }
}
