import CeleriacCore
import CeleriacTestKit
import FoundationEssentials
import NIOConcurrencyHelpers
import TestSupport
import Testing

private let work = TaskDefinition<String, String>("work")

/// A broker in memory that keeps notes of paused queues.
private final class NotingBroker: MessageBroker, PausingBroker {
    private let base: MemoryBroker
    private let notes: NIOLockedValueBox<[String: QueuePause]>
    private let failure = NIOLockedValueBox<CeleriacError?>(nil)

    /// The queues that its consumers cannot add.
    private let refused: Set<String>
    /// Why nobody may consume; nil if everybody may.
    private let refusal: CeleriacError?

    init(
        _ base: MemoryBroker, paused: [String], refusing refused: Set<String> = [], with refusal: CeleriacError? = nil
    ) {
        self.base = base
        self.refusal = refusal
        self.refused = refused
        notes = NIOLockedValueBox(
            Dictionary(paused.map { ($0, QueuePause(queue: $0, since: nil, nodes: [])) }) { first, _ in first })
    }

    var name: String { base.name }

    func fail(with error: CeleriacError?) { failure.withLockedValue { $0 = error } }

    func publish(_ messages: [OutgoingMessage]) async throws { try await base.publish(messages) }

    func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
        if let refusal { throw refusal }
        return RefusingConsumer(base: try await base.consume(options), refused: refused)
    }

    func close() async { await base.close() }

    func pauses(of queues: [String]) async throws -> [QueuePause] {
        if let error = failure.withLockedValue({ $0 }) { throw error }
        return notes.withLockedValue { notes in queues.compactMap { notes[$0] } }
    }

    func notePause(_ pause: QueuePause) async throws { notes.withLockedValue { $0[pause.queue] = pause } }

    func endPause(of queue: String) async throws -> Bool {
        notes.withLockedValue { $0.removeValue(forKey: queue) != nil }
    }
}

/// A consumer that cannot add some queues.
private struct RefusingConsumer: MessageConsumer {
    let base: any MessageConsumer
    let refused: Set<String>

    func next(atMost limit: Int) async throws -> [Delivery] { try await base.next(atMost: limit) }
    func settle(_ settlements: [Settlement]) async throws { try await base.settle(settlements) }
    func giveBack(_ receipts: [Receipt]) async throws { try await base.giveBack(receipts) }
    func removeQueue(_ name: String) async throws { try await base.removeQueue(name) }
    func stop() async { await base.stop() }
    func close() async throws { try await base.close() }

    func addQueue(_ queue: TaskQueue) async throws {
        if refused.contains(queue.name) { throw CeleriacError(.configuration, "refused") }
        try await base.addQueue(queue)
    }
}

@Suite("Paused queues", .timeLimit(.minutes(5)))
struct PausedQueueTests {
    @Test("are left out by a worker that begins, until they are paused no more")
    func pause() async throws {
        let memory = MemoryBroker()
        let broker = NotingBroker(memory, paused: ["q"])
        let bench = Bench { _ in broker }
        let part = ControlProbe()
        let worker = bench.worker(parts: [part], configure: { $0.queues = ["q", "other"] }) { work.handler { $0 } }
        try await bench.run(worker) {
            let control = await part.control()
            #expect(control.queues == ["other"])
            let waiting = try await bench.client.send(work("a"))
            let other = try await bench.client.send(work("b"), queue: "other")
            let done = try await other.get()
            #expect(done == "b" && memory.count(in: "q") == 1)
            // A look that fails is no reason to begin.
            broker.fail(with: CeleriacError(.unavailable, "away"))
            bench.timers.advance(by: .seconds(5))
            await until { bench.timers.count > 0 }
            #expect(control.queues == ["other"])
            broker.fail(with: nil)
            let ended = try await broker.endPause(of: "q")
            #expect(ended)
            await until {
                bench.timers.advance(by: .seconds(5))
                return control.queues == ["other", "q"]
            }
            let late = try await waiting.get()
            #expect(late == "a")
        }
    }

    @Test("are served when they are paused no more, although the broker refuses one of them")
    func refusedQueue() async throws {
        let broker = NotingBroker(MemoryBroker(), paused: ["bad", "q"], refusing: ["bad"])
        let bench = Bench { _ in broker }
        let part = ControlProbe()
        let worker = bench.worker(parts: [part], configure: { $0.queues = ["bad", "q", "other"] }) {
            work.handler { $0 }
        }
        try await bench.run(worker) {
            let control = await part.control()
            #expect(control.queues == ["other"])
            for queue in ["bad", "q"] { _ = try await broker.endPause(of: queue) }
            await until {
                bench.timers.advance(by: .seconds(5))
                return control.queues == ["other", "q"]
            }
        }
    }

    @Test("are served where nobody can say that they are paused")
    func refusal() async throws {
        let broker = NotingBroker(MemoryBroker(), paused: ["q"])
        broker.fail(with: CeleriacError(.configuration, "no right to look"))
        let log = LogRecorder()
        let bench = Bench(logger: log.logger) { _ in broker }
        let part = ControlProbe()
        try await bench.run(bench.worker(parts: [part]) { work.handler { $0 } }) {
            let control = await part.control()
            #expect(control.queues == ["q"])
            #expect(log.count("cannot see whether queues are paused") == 1)
        }
    }

    @Test("are no matter where the broker refuses the worker altogether")
    func wholeRefusal() async throws {
        let refusal = CeleriacError(.configuration, "no such virtual host")
        let broker = NotingBroker(MemoryBroker(), paused: [], with: refusal)
        broker.fail(with: refusal)
        let log = LogRecorder()
        let bench = Bench(logger: log.logger) { _ in broker }
        let worker = bench.worker { work.handler { $0 } }
        let error = await #expect(throws: CeleriacError.self) { try await worker.run() }
        #expect(error?.code == .configuration && log.count("cannot see whether queues are paused") == 0)
    }

    @Test("have a note that says since when, and who served them")
    func note() {
        let pause = QueuePause(queue: "q", since: Date(timeIntervalSince1970: 1.5), nodes: ["a@h", "b@h"])
        #expect(QueuePause(queue: "q", note: pause.note) == pause)
        #expect(String(decoding: pause.note, as: UTF8.self) == #"{"since": 1.5, "nodes": ["a@h", "b@h"]}"#)
        for odd in ["", "{", "[]", #"{"since": "x", "nodes": [1]}"#] {
            #expect(QueuePause(queue: "q", note: Array(odd.utf8)) == QueuePause(queue: "q", since: nil, nodes: []))
        }
    }
}
