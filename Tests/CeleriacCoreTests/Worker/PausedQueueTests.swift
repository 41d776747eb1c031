import CeleriacCore
import CeleriacTestKit
import FoundationEssentials
import TestSupport
import Testing

private let work = TaskDefinition<String, String>("work")

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
