import CeleriacTestKit
import CeleriacWire
import NIOConcurrencyHelpers
import TestSupport
import Testing

import struct FoundationEssentials.Date

@testable import CeleriacCore

/// How many parked messages a worker keeps, and for how long.
@Suite("Bounds of parked messages", .timeLimit(.minutes(5)))
struct ParkingBoundsTests {
    private let start = Date(timeIntervalSince1970: 1_000)

    /// Messages that were parked at these seconds; nil for one that does not say when.
    private func dropped(_ policy: ParkingPolicy, _ seconds: [Double?], now: Double) -> (ids: [String], next: Double?) {
        var trim = ParkedTrim()
        trim.left = seconds.count
        for (index, second) in seconds.enumerated() {
            let message = ParkedMessage(
                id: "\(index)", queue: "q", message: [], reason: "bad", detail: "",
                time: second.map { start.addingTimeInterval($0) }, worker: "w")
            guard policy.admits(message, in: &trim, now: start.addingTimeInterval(now)) else { break }
        }
        #expect(trim.left == seconds.count - trim.dropped.count)
        return (trim.dropped.map(\.message.id), trim.next?.timeIntervalSince(start))
    }

    @Test("the oldest are dropped past the number, and those past the age")
    func decisions() {
        #expect(dropped(ParkingPolicy(), [1, 2], now: 100).ids.isEmpty)
        #expect(dropped(ParkingPolicy(limit: 2), [1, 2, nil, 4], now: 100).ids == ["0", "1"])
        #expect(dropped(ParkingPolicy(limit: 4), [1, 2, nil, 4], now: 100).ids.isEmpty)
        let aged = dropped(ParkingPolicy(age: .seconds(10)), [1, nil, 2, 8, 9], now: 12)
        #expect(aged.ids == ["0", "2"] && aged.next == 18)
        let both = dropped(ParkingPolicy(limit: 1, age: .seconds(10)), [1, 2, 8], now: 12)
        #expect(both.ids == ["0", "1"] && both.next == 18)
        #expect(dropped(ParkingPolicy(limit: 1), Array(repeating: 1, count: 3_000), now: 0).ids.count == 1_000)
    }

    @Test("settings that cannot work end the worker at once")
    func refused() async throws {
        for change: @Sendable (inout WorkerConfiguration) -> Void in [
            { $0.maximumParkedMessages = 0 }, { $0.parkedMessageLifetime = .zero },
            { $0.deadLetterExchange = "dead" }, { $0.deadLetterRoutingKey = "dead" }, { $0.maximumAttempts = 0 },
        ] {
            let worker = Bench().worker(configure: change) { TaskHandler("work") { _ in .null } }
            let error = await #expect(throws: CeleriacError.self) { try await worker.run() }
            #expect(error?.code == .configuration)
        }
    }

    /// Parks messages without a worker.
    private func park(
        _ bodies: [String], at broker: MemoryBroker, isStored: Bool? = nil, headers: WireObject = [:]
    ) async throws {
        try await broker.publish(
            bodies.map {
                OutgoingMessage(message: WireMessage(headers: headers, body: Array($0.utf8)), routingKey: "q")
            })
        let consumer = try await broker.consume(ConsumerOptions(queues: ["q"], prefetch: 10, nodeName: "w@h"))
        var fault = MessageFault(reason: "tooManyAttempts", detail: "begun 7 times after it had come back")
        fault.failureIsStored = isStored
        try await consumer.settle(try await consumer.next(atMost: 100).map { Settlement($0.receipt, .park(fault)) })
        try await consumer.close()
    }

    private func bounds(
        _ policy: ParkingPolicy, _ bench: Bench, _ log: LogRecorder, _ news: ParkingNews,
        onLook: @escaping @Sendable () -> Void = {}
    ) -> ParkingBounds {
        ParkingBounds(
            policy: policy, broker: bench.memory, dialect: PlainDialect(), news: news, timers: bench.timers,
            logger: log.logger,
            queues: {
                onLook()
                return ["q"]
            })
    }

    @Test("each message that is dropped is told, and once that the number is reached, when a worker begins and parks")
    func told() async throws {
        let (bench, log, news, stopping) = (Bench(), LogRecorder(), ParkingNews(), Gate())
        try await park(["1", "2", "3", "4"], at: bench.memory)
        let bounds = self.bounds(ParkingPolicy(limit: 2), bench, log, news)
        async let running: Void = bounds.run(until: stopping)
        await until { bench.memory.parked(from: "q").count == 2 }
        try await park(["5"], at: bench.memory)
        news.parked.wake()
        await until { bench.memory.parked(from: "q").count == 2 }
        let dropped = "dropped a parked message, the oldest: more than maximumParkedMessages are parked"
        await until { log.count(dropped) == 3 }
        #expect(bench.memory.parked(from: "q").map { String(decoding: $0.message.body, as: UTF8.self) } == ["4", "5"])
        stopping.open()
        await running
        #expect(log.count("as many messages are parked as may be: each further one drops the oldest") == 1)
    }

    @Test("that the number is reached is told again only when the queue was not full for a minute")
    func toldAgain() async throws {
        let (bench, log, news, stopping) = (Bench(), LogRecorder(), ParkingNews(), Gate())
        let full = "as many messages are parked as may be: each further one drops the oldest"
        let looks = NIOLockedValueBox(0)
        let bounds = self.bounds(ParkingPolicy(limit: 1), bench, log, news) { looks.withLockedValue { $0 += 1 } }
        async let running: Void = bounds.run(until: stopping)
        /// Parks a message, or takes it away, and waits until a look that began later has ended.
        func look(full isFull: Bool) async throws {
            if isFull {
                try await park(["1"], at: bench.memory)
            } else {
                let ids = try await bench.memory.parkedMessages(in: "q", after: nil, limit: 10).map(\.id)
                _ = try await bench.memory.dropParked(ids, in: "q")
            }
            for _ in 0..<2 {
                let before = looks.withLockedValue { $0 }
                news.parked.wake()
                await until { looks.withLockedValue { $0 } > before }
            }
        }
        try await look(full: true)
        #expect(log.count(full) == 1)
        bench.timers.advance(by: .seconds(14))
        try await look(full: false)
        try await look(full: true)
        #expect(log.count(full) == 1)
        bench.timers.advance(by: .seconds(61))
        try await look(full: false)
        try await look(full: true)
        #expect(log.count(full) == 2)
        stopping.open()
        await running
    }

    @Test("a message is dropped when it is too old, also if nothing is parked any more")
    func aged() async throws {
        let (bench, log, stopping) = (Bench(), LogRecorder(), Gate())
        try await park(["1"], at: bench.memory)
        // By the worker's clock it was parked long ago, or will have been.
        bench.timers.advance(by: .seconds(max(0, Date().timeIntervalSince(bench.timers.now))))
        let bounds = self.bounds(ParkingPolicy(age: .seconds(3_600)), bench, log, ParkingNews())
        async let running: Void = bounds.run(until: stopping)
        await until {
            bench.timers.advance(by: .seconds(60))
            return bench.memory.parked(from: "q").isEmpty
        }
        stopping.open()
        await running
        #expect(log.count("dropped a parked message: it was parked for longer than parkedMessageLifetime") == 1)
    }

    // MARK: Failures that nobody has stored

    private func failureType(of id: String, in store: any ResultStore) async throws -> String? {
        try await store.fetch([id])[0].flatMap { try PlainDialect().result(from: $0).error?.type }
    }

    private func isTold(_ broker: MemoryBroker) async throws -> [Bool?] {
        try await broker.parkedMessages(in: "q", after: nil, limit: 10).map(\.failureIsStored)
    }

    @Test("a worker that begins tells callers whom no worker could tell, notes that, and overwrites no outcome")
    func untold() async throws {
        let bench = Bench()
        let success = Array(#"{"id": "2", "state": "SUCCESS", "value": 1}"#.utf8)
        try await bench.store.store([ResultRecord(taskID: "2", state: .success, payload: success)])
        try await park(
            [#"{"id": "1", "name": "work"}"#, #"{"id": "2", "name": "work"}"#], at: bench.memory, isStored: false)
        try await park([#"{"id": "3", "name": "work"}"#], at: bench.memory)
        try await bench.run(bench.worker { TaskHandler("work") { _ in .null } }) {
            try await until {
                bench.timers.advance(by: .seconds(2))
                return try await isTold(bench.memory) == [true, true, nil]
            }
        }
        let error = try await bench.store.fetch(["1"])[0].flatMap { try PlainDialect().result(from: $0).error }
        #expect(error?.type == "WorkerLost" && error?.arguments == ["7"])
        #expect(try await bench.store.fetch(["2"])[0] == success)
        #expect(try await bench.store.fetch(["3"])[0] == nil)
    }

    @Test(
        "what may have ended a process when a caller was told is noted before it is called again",
        arguments: [false, true])
    func calledAgain(isStored: Bool) async throws {
        let bench = Bench()
        if isStored {
            let failure = Array(#"{"id": "1", "state": "FAILURE", "value": ["WorkerLost", "7"]}"#.utf8)
            try await bench.store.store([ResultRecord(taskID: "1", state: .failure, payload: failure)])
        }
        try await park(
            [#"{"id": "1", "name": "work"}"#], at: bench.memory, isStored: false, headers: ["errback": "report"])
        let seen = NIOLockedValueBox<[[Bool?]]>([])
        let worker = bench.worker {
            TaskHandler("work") { _ in .null }
            TaskHandler(errorCallback: "report") { _, _ in
                let isTold = try await self.isTold(bench.memory)
                seen.withLockedValue { $0.append(isTold) }
            }
        }
        try await bench.run(worker) {
            try await until {
                bench.timers.advance(by: .seconds(2))
                return try await isTold(bench.memory) == [true] && seen.withLockedValue { $0.count } == 1
            }
        }
        #expect(seen.withLockedValue { $0 } == [[isStored]])
    }

    @Test("a worker waits for the store to come back, and notes what it has told itself")
    func storeComesBack() async throws {
        let store = ParkingTests.Store(error: CeleriacError(.unavailable, "away"))
        let bench = Bench(store: store)
        try await park([#"{"id": "1", "name": "work"}"#], at: bench.memory, isStored: false)
        let worker = bench.worker {
            $0.maximumAttempts = 0
            $0.parksUnbegun = true
        } handlers: {
            TaskHandler("work") { _ in .null }
        }
        try await bench.run(worker) {
            try await bench.memory.publish(
                [
                    OutgoingMessage(
                        message: WireMessage(body: Array(#"{"id": "2", "name": "work"}"#.utf8)), routingKey: "q")
                ])
            await until { bench.memory.parked(from: "q").count == 2 }
            for _ in 0..<10 { bench.timers.advance(by: .seconds(2)) }
            #expect(try await isTold(bench.memory) == [false, false])
            store.fail(with: nil)
            try await until {
                bench.timers.advance(by: .seconds(2))
                return try await isTold(bench.memory) == [true, true]
            }
        }
        #expect(try await failureType(of: "1", in: store) == "WorkerLost")
        #expect(try await failureType(of: "2", in: store) == "WorkerLost")
    }
}
