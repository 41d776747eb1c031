import CeleriacTestKit
import CeleriacWire
import Foundation
import Testing

@testable import CeleriacCommand

@Suite("The dump of events", .timeLimit(.minutes(5))) struct EventDumpTests {
    private static let events: [WireObject] = [
        [
            "hostname": "w1@h", "utcoffset": 0.0, "pid": 14693, "clock": 197, "freq": 2.0, "active": 0, "processed": 2,
            "loadavg": [8.18, 10.75, 11.25], "sw_ident": "py-celery", "timestamp": 1796030875.1392899,
            "type": "worker-heartbeat", "local_received": 1796030875.0006118,
        ],
        ["hostname": "w1@h", "timestamp": 1796030875.0, "type": "worker-offline"],
        ["hostname": "w1@h", "timestamp": 1796030875, "type": "worker-online", "Z": "é", "a": nil],
        [
            "hostname": "gen1@h", "utcoffset": 0.0, "timestamp": 1796030876.953634, "type": "task-sent", "uuid": "id",
            "name": "tasks.add", "args": "(1, 2)", "kwargs": "{}", "queue": "celery", "eta": nil, "exchange": "",
        ],
        ["hostname": "w1@h", "timestamp": 1796030877.5, "type": "task-started", "uuid": "id", "clock": 1],
        ["hostname": "w1@h", "timestamp": 1796030877.25, "type": "task-succeeded", "uuid": "other", "result": "'x'"],
        ["hostname": "w1@h", "timestamp": 1796030877.25, "type": "Own-Event", "text": "it's", "list": ["it's", true]],
    ]

    @Test("is that of Celery, line by line")
    func comparison() async throws {
        let script = """
            import json, sys
            from celery.events.dumper import Dumper
            for event in json.loads(sys.argv[1]): Dumper().on_event(event)
            """
        let json = CommandOutput.json(.array(Self.events.map { .object($0) }))
        let interpreter = try PythonInstallation.find().interpreter
        let celerys = try await Program.run(interpreter, ["-c", script, json])
        var dump = EventDump(utcOffset: 0)
        let ours = Self.events.map { dump.line($0) + "\n" }.joined()
        #expect(ours == celerys)
    }

    @Test("shows the times of senders elsewhere as Celery does, and survives what is no event of Celery's")
    func odd() {
        var dump = EventDump(utcOffset: -2)
        let shifted = dump.line(["timestamp": 1796030875, "utcoffset": -5, "hostname": "a@b", "type": "x"])
        #expect(shifted == "a@b [2026-11-30 12:27:55+00:00] x: utcoffset=-5")
        #expect(dump.line([:]) == " []  ")
        #expect(dump.line(["timestamp": .double(.infinity), "type": 7, "hostname": nil]) == "None [] 7 ")
        let hostile = dump.line(["hostname": "\u{1B}[2J", "type": "task-received", "name": "\n", "uuid": ["\u{7}"]])
        #expect(!hostile.contains("\u{1B}") && !hostile.contains("\n") && !hostile.contains("\u{7}"))
    }

    @Test("forgets the oldest tasks")
    func bound() {
        var dump = EventDump(utcOffset: 0)
        for number in 0...(2 * EventDump.maximumTasks + 10) {
            _ = dump.line(["type": "task-received", "uuid": .string("\(number)"), "name": "t"])
        }
        #expect(dump.line(["type": "task-started", "uuid": "0"]) == " [] task started  ")
        let last = 2 * EventDump.maximumTasks + 10
        #expect(dump.line(["type": "task-started", "uuid": .string("\(last)")]).contains("t(\(last)) args="))
    }
}
