import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Foundation
import Testing

@Suite("Beat", .timeLimit(.minutes(5))) struct BeatTests {
    private static let start = Date(timeIntervalSince1970: 1_800_000_000)

    private func state(_ name: String, _ secondsAgo: Double) throws -> MemoryStateStore {
        let time = try #require(LocalDateTime(utc: Self.start.addingTimeInterval(-secondsAgo)))
        return MemoryStateStore(
            #"{"version": 1, "entries": {"\#(name)": {"last_run_at": "\#(time)Z", "total_run_count": 4}}}"#)
    }

    @Test("Entries are sent when they are due, with the headers and options asked for")
    func sends() async throws {
        let entry = BeatEntry(
            "a", try IntervalSchedule(every: .seconds(10)), Signature("tasks.a", arguments: [1, 2]),
            options: SendOptions(queue: "other"), expiresAfter: .seconds(30))
        let bench = try BeatBench([entry, try BeatBench.every(25, "b")])
        try await bench.run {
            await bench.advance(9.5)
            #expect(bench.broker.tasks == [])
            await bench.advance(0.5)
            #expect(bench.broker.tasks == ["tasks.a"])
            let sent = try #require(bench.broker.sent.first)
            #expect(sent["args"] == [1, 2])
            #expect(sent["expires"]?.doubleValue == Self.start.timeIntervalSince1970 + 40)
            for _ in 0..<4 { await bench.advance(10) }
            #expect(bench.broker.tasks.count { $0 == "tasks.a" } == 5)
            #expect(bench.broker.tasks.count { $0 == "tasks.b" } == 2)
        }
    }

    @Test("It tells how long ago it has looked at its schedule")
    func looks() async throws {
        let bench = try BeatBench([try BeatBench.every(10, "a")])
        #expect(bench.beat.timeSinceLook == nil)
        try await bench.run { #expect(bench.beat.timeSinceLook.map { $0 >= .zero } == true) }
    }

    @Test("It sleeps no longer than beat_max_loop_interval", arguments: [(5.0, true), (300.0, false)])
    func pauses(_ longest: Double, _ wakes: Bool) async throws {
        let bench = try BeatBench(
            [try BeatBench.every(3600, "a")], configuration: BeatConfiguration(maximumPause: .seconds(longest)))
        try await bench.run {
            let soon = bench.timers.now.addingTimeInterval(6)
            #expect(bench.timers.advanceToNextTimer(by: soon) == wakes)
            await bench.asleep()
            #expect(bench.broker.tasks == [])
        }
    }

    @Test("A late wake-up does not shift later runs, and a run is sent once")
    func noDrift() async throws {
        let store = MemoryStateStore()
        let bench = try BeatBench([try BeatBench.every(10, "a")], store: store)
        try await bench.run {
            await bench.advance(14)
            #expect(bench.broker.tasks.count == 1)
            await bench.advance(6)
            #expect(bench.broker.tasks.count == 2)
        }
        let memory = try WireJSON.decode(Array(store.text.utf8))
        #expect(memory["entries"]?["a"]?["last_run_at"] == "2027-01-15T08:00:20Z")
        #expect(memory["entries"]?["a"]?["total_run_count"] == 2)
    }

    @Test("Runs missed while no beat ran", arguments: zip(MissedRuns.allCases, [1, 0, 5]))
    func missed(_ policy: MissedRuns, _ sent: Int) async throws {
        let store = try state("a", 55)
        let bench = try BeatBench(
            [try BeatBench.every(10, "a")], configuration: BeatConfiguration(missedRuns: policy), store: store)
        try await bench.run {
            #expect(bench.broker.tasks.count == sent)
            // The next run is due 60 s after the remembered one, whether or not those in between were sent.
            await bench.advance(4.9)
            #expect(bench.broker.tasks.count == sent)
            await bench.advance(0.1)
            #expect(bench.broker.tasks.count == sent + 1)
        }
        let memory = try WireJSON.decode(Array(store.text.utf8))
        #expect(memory["entries"]?["a"]?["total_run_count"]?.intValue == 5 + sent)
    }

    @Test("Of very many missed runs no more than 1,000 are made up for")
    func missedTooMany() async throws {
        let bench = try BeatBench(
            [try BeatBench.every(1, "a")], configuration: BeatConfiguration(missedRuns: .all),
            store: try state("a", 90_000))
        try await bench.run { #expect(bench.broker.tasks.count == 1000) }
    }

    @Test("A schedule with millions of missed runs goes on from now")
    func missedForYears() async throws {
        let bench = try BeatBench([try BeatBench.every(1, "a")], store: try state("a", 1e8))
        try await bench.run {
            #expect(bench.broker.tasks.count == 1)
            await bench.advance(1)
            #expect(bench.broker.tasks.count == 2)
        }
    }

    @Test("The starting deadline leaves out what is too late, where the schedule has one", arguments: [true, false])
    func startingDeadline(_ has: Bool) async throws {
        let entry = BeatEntry("a", Hourly(hasStartingDeadline: has), Signature("tasks.a"))
        // It was due 1,800 s ago.
        let bench = try BeatBench(
            [entry], configuration: BeatConfiguration(startingDeadline: .seconds(600)),
            store: try state("a", 3600 + 1800), timers: VirtualTimers(now: Self.start.addingTimeInterval(1800)))
        try await bench.run {
            #expect(bench.broker.tasks.count == (has ? 0 : 1))
            await bench.advance(1800)
            #expect(bench.broker.tasks.count == (has ? 1 : 2))
        }
    }

    @Test("While the broker is out of reach runs wait")
    func brokerDown() async throws {
        let bench = try BeatBench([try BeatBench.every(10, "a"), try BeatBench.every(10, "b")])
        try await bench.run {
            bench.broker.set(isDown: true)
            await bench.advance(10)
            await bench.advance(10)
            #expect(bench.broker.failures >= 1)
            #expect(bench.broker.tasks == [])
            bench.broker.set(isDown: false)
            await bench.advance(9)
            #expect(bench.broker.tasks.sorted() == ["tasks.a", "tasks.b"])
            await bench.advance(1)
            #expect(bench.broker.tasks.count == 4)
        }
    }

    @Test("Of runs that are made up for, those that were sent before the broker went are not sent again")
    func brokerGoes() async throws {
        let store = try state("a", 55)
        let bench = try BeatBench(
            [try BeatBench.every(10, "a")], configuration: BeatConfiguration(missedRuns: .all), store: store)
        bench.broker.setRoom(2)
        try await bench.run {
            #expect(bench.broker.tasks.count == 2)
            #expect(store.text.contains(#""total_run_count":6"#) || store.text.contains(#""total_run_count": 6"#))
            bench.broker.set(isDown: false)
            await bench.advance(2)
            #expect(bench.broker.tasks.count == 5)
            await bench.advance(2)
            #expect(bench.broker.tasks.count == 5)
            await bench.advance(1)
            #expect(bench.broker.tasks.count == 6)
        }
    }

    @Test("A schedule without any next run, or one that does not go on, holds up nothing", arguments: [true, false])
    func noNextRun(_ stands: Bool) async throws {
        let bench = try BeatBench([
            BeatEntry("odd", Odd(stands: stands), Signature("tasks.odd")), try BeatBench.every(5, "a"),
        ])
        try await bench.run {
            await bench.advance(5)
            #expect(bench.broker.tasks == ["tasks.a"])
        }
    }

    @Test("The beat looks at the wall clock now and then, and sleeps otherwise")
    func sleeps() async throws {
        let bench = try BeatBench([try BeatBench.every(86_400, "a")])
        try await bench.run {
            #expect(bench.timers.count == 1)
            await bench.advance(299)
            #expect(bench.timers.count == 1)
            for _ in 0..<287 { await bench.advance(300) }
            #expect(bench.broker.tasks == [])
            await bench.advance(1)
            #expect(bench.broker.tasks == ["tasks.a"])
        }
    }

    @Test("A time that is remembered from far in the future is not waited for")
    func clockWasWrong() async throws {
        let bench = try BeatBench([try BeatBench.every(10, "a")], store: try state("a", -1e9))
        try await bench.run {
            await bench.advance(10)
            #expect(bench.broker.tasks == ["tasks.a"])
        }
    }

    @Test(
        "A damaged state ends the beat with its name",
        arguments: ["", "{", "[]", #"{"version": 2, "entries": {}}"#, #"{"version": 1, "entries": {"a": {}}}"#])
    func damagedState(_ text: String) async throws {
        let bench = try BeatBench([try BeatBench.every(10, "a")], store: MemoryStateStore(text))
        await #expect {
            try await bench.beat.run()
        } throws: {
            ($0 as? CeleriacError)?.code == .configuration && "\($0)".contains("memory")
        }
    }

    @Test("Two entries of one name are refused")
    func sameName() {
        #expect {
            try BeatBench([try BeatBench.every(1, "a"), try BeatBench.every(2, "a")])
        } throws: {
            ($0 as? CeleriacError)?.code == .configuration
        }
    }
}

/// Runs on the hour.
private struct Hourly: Schedule {
    let hasStartingDeadline: Bool
    var description: String { "hourly" }

    func next(after lastRun: Date) -> Date? {
        Date(timeIntervalSince1970: ((lastRun.timeIntervalSince1970 / 3600).rounded(.down) + 1) * 3600)
    }
}

/// Names no next run, or the last one again.
private struct Odd: Schedule {
    let stands: Bool
    var description: String { "odd" }

    func next(after lastRun: Date) -> Date? { stands ? lastRun : nil }
}
