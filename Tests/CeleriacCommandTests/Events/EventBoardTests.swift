import CeleriacWire
import Testing

@testable import CeleriacCommand

@Suite("What events tell") struct EventBoardTests {
    private func task(_ type: String, _ id: String, at time: Double, _ fields: WireObject = [:]) -> WireObject {
        var event: WireObject = [
            "type": .string(type), "uuid": .string(id), "hostname": "w@h", "timestamp": .double(time),
        ]
        event.merge(fields) { $1 }
        return event
    }

    @Test("counts kinds of tasks, their ends and their waits")
    func tasks() throws {
        var board = EventBoard()
        board.add(task("task-sent", "1", at: 100, ["name": "a", "hostname": "gen@h"]), at: 100)
        board.add(task("task-received", "1", at: 101.5, ["name": "a", "eta": nil]), at: 101.5)
        board.add(task("task-started", "1", at: 101.75), at: 101.75)
        board.add(task("task-succeeded", "1", at: 102, ["runtime": 0.25]), at: 102)
        board.add(task("task-received", "2", at: 101, ["name": "a", "eta": "2030-01-01T00:00:00+00:00"]), at: 102)
        board.add(task("task-revoked", "2", at: 102), at: 102)
        board.add(task("task-failed", "3", at: 102), at: 102)
        let kind = try #require(board.kinds["a"])
        #expect(kind.sent == 1 && kind.received == 2 && kind.started == 1 && kind.succeeded == 1 && kind.dropped == 1)
        #expect(kind.runtime == 0.25 && kind.ended.total == 2 && kind.ended.rate(at: 102) == 0.2)
        #expect(board.kinds[""]?.failed == 1)
        #expect(board.inQueue.summary?.median == 1.5 && board.inWorker.summary?.longest == 0.25)
        #expect(board.inQueue.count == 1 && board.events.total == 7)
        // Who sends tasks is no worker.
        #expect(Array(board.workers.keys) == ["w@h"] && board.workers["w@h"]?.ended.total == 3)
    }

    @Test("knows the workers, and which are lost")
    func workers() {
        var board = EventBoard()
        let beat: WireObject = [
            "type": "worker-heartbeat", "hostname": "w@h", "freq": 2.0, "active": 3, "processed": 9,
            "loadavg": [0.5, 1, 1], "sw_ident": "py-celery", "sw_ver": "5.7.0",
        ]
        board.add(beat, at: 100)
        let worker = board.workers["w@h"]
        #expect(worker?.active == 3 && worker?.processed == 9 && worker?.load == 0.5)
        #expect(worker?.software == "py-celery 5.7.0" && worker?.isLost(at: 150) == false)
        #expect(worker?.isLost(at: 161) == true)
        board.add(["type": "worker-offline", "hostname": "w@h"], at: 101)
        #expect(board.workers["w@h"]?.isOffline == true && board.workers["w@h"]?.active == 3)
        board.add(["type": "worker-online", "hostname": "w@h"], at: 102)
        #expect(board.workers["w@h"]?.isOffline == false && !board.hasTasks)
        for event: WireObject in [[:], ["type": 1], ["type": "task-started"], ["type": "worker-", "loadavg": []]] {
            board.add(event, at: .nan)
        }
        for number in 0..<1500 { board.add(["type": "worker-online", "hostname": .string("\(number)")], at: 1) }
        #expect(board.workers.count == 1000)
    }

    @Test("rates are those of the last seconds")
    func rates() {
        var counter = RateCounter()
        for second in 0..<20 { for _ in 0..<5 { counter.add(at: Double(second) + 0.5) } }
        #expect(counter.total == 100 && counter.rate(at: 19.9) == 5 && counter.rate(at: 24) == 2.5)
        #expect(counter.rate(at: 100) == 0 && counter.rate(at: .infinity) == 0)
        var waits = Waits(limit: 4)
        #expect(waits.count == 0 && waits.summary?.median == nil)
        for wait in [-1.0, 1, 2, 3, 4, 5] { waits.add(wait) }
        #expect(waits.count == 4 && waits.summary?.longest == 5 && waits.summary?.median == 4)
    }

    @Test("is drawn to fit the terminal")
    func screen() {
        var board = EventBoard()
        let screen = EventScreen(style: .plain, broker: "redis://h/0")
        let size = TerminalSize(columns: 60, rows: 12)
        var lines = screen.lines(board, EventScreen.Notice(), at: 1000, size: size)
        #expect(lines.first?.hasPrefix("redis://h/0  1970-01-01T00:16:40Z  0 of 0 workers onl") == true)
        #expect(lines.contains { $0.hasPrefix("No events about tasks yet. Workers send them with -E, or") })
        #expect(lines.contains("No worker is heard of.") && lines.contains("No task is heard of."))
        for number in 0..<40 {
            let node = WireValue.string("worker-\(number)\u{1B}[2J@h")
            board.add(["type": "worker-heartbeat", "hostname": node], at: 1000)
            board.add(task("task-received", "\(number)", at: 1000, ["name": .string("t\(number)")]), at: 1000)
        }
        lines = screen.lines(board, EventScreen.Notice(loss: "gone", unreadable: 1, missed: 2), at: 1000, size: size)
        #expect(lines.count <= 11 && lines.allSatisfy { $0.count <= 60 && !$0.contains("\u{1B}") })
        #expect(lines.contains("CONNECTION LOST: gone") && lines.contains { $0.hasPrefix("WORKER ") })
        #expect(lines.contains { $0.hasPrefix("Waited in queues: unknown without task-sent events") })
        // What matters most of a task is seen on a narrow terminal, too.
        board.add(task("task-failed", "parked", at: 1000), at: 1000)
        lines = screen.lines(board, EventScreen.Notice(), at: 1000, size: size)
        #expect(lines.contains { $0.hasPrefix("TASKS/S  SUCCEEDED  FAILED  MEAN  TASK ") })
        #expect(lines.contains { $0.hasPrefix("0.1      0          1       -     (name unknown) ") })
        let tiny = screen.lines(board, EventScreen.Notice(), at: 1000, size: TerminalSize(columns: 0, rows: 0))
        #expect(tiny.count == 1)
    }
}
