import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Foundation
import Synchronization
import Testing

@testable import SQLTransport

@Suite("SQL transport", .serialized, .timeLimit(.minutes(2)))
struct SQLTransportTests {
    let site: Site
    let add = TaskDefinition<Int, Int, Int>("tasks.add")

    init() throws { site = try Site() }

    @Test("Swift and Python run what the other sends, and read how it ended", arguments: ["celery", "swift"])
    func tasks(_ queue: String) async throws {
        try await site.serve { driver in
            #expect(try await site.app.send(add(2, 3), queue: queue).get(timeout: .seconds(120)) == 5)
            let fail = TaskDefinition<String, String, Void>("tasks.fail")("ValueError", "no")
            let error = await #expect(throws: RemoteTaskError.self) {
                try await site.app.send(fail, queue: queue).get(timeout: .seconds(120))
            }
            #expect(error?.type == "ValueError" && error?.arguments == ["no"])
            let added = try await driver.send("tasks.add", [2, 3], options: ["queue": .string(queue)])
            #expect(try await driver.get(added) == .success(5))
            let failed = try await driver.send("tasks.fail", ["ValueError", "no"], options: ["queue": .string(queue)])
            let failure = try await driver.get(failed)
            #expect(failure == .failure(state: "FAILURE", type: "ValueError", module: "builtins", arguments: ["no"]))
        }
    }

    @Test("Groups are restored and chords unlocked, whoever sends them", arguments: ["celery", "swift"])
    func canvases(_ queue: String) async throws {
        try await site.serve { driver in
            let header = [add(1, 1).with(SendOptions(queue: "celery")), add(2, 2).with(SendOptions(queue: "swift"))]
            let tree: WireValue = [call("tasks.add", [3, 3], "celery"), call("tasks.add", [4, 4], "swift")]
            let ourGroup = try await site.app.send(group(header))
            try await ourGroup.save()
            #expect(try await driver.ask("restore_group", ["id": .string(ourGroup.id)])["results"] == [2, 4])
            let saved = try await driver.ask("save_group", ["canvas": ["group": tree]])["id"]?.stringValue
            let restored = try await site.app.group(try #require(saved), as: Int.self)
            #expect(try await restored?.get(timeout: .seconds(120)) == [6, 8])
            let sum = TaskDefinition<[Int], Int>("tasks.sum_ints").with(SendOptions(queue: queue))
            let ourChord = try await site.app.send(chord(header, body: sum))
            let chord: WireValue = ["chord": tree, "body": call("tasks.sum_ints", [], queue)]
            let theirChord = try #require(await driver.ask("canvas", ["canvas": chord])["id"]?.stringValue)
            #expect(try await ourChord.get(timeout: .seconds(60)) == 6)
            #expect(try await driver.get(theirChord, timeout: .seconds(60)) == .success(14))
        }
    }

    @Test("What a killed worker had claimed comes to another")
    func killed() async throws {
        let sent = try await site.app.send(Signature("tasks.sleep", arguments: [3600]))
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let process = Process()
        process.executableURL = URL(filePath: tests).deletingLastPathComponent().appending(path: "SQLWorker")
        process.environment = Dictionary(uniqueKeysWithValues: site.settings.map { ("CELERY_\($0.uppercased())", $1) })
        try process.run()
        try await site.until("[1]", to: "SELECT count(*) FROM celeriac_claim")
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        try await site.serve(site.app.worker { TaskHandler("tasks.sleep") { .bool($0.request.redelivered) } }) {
            let redelivered = try await sent.get(timeout: .seconds(60))
            #expect(redelivered == true)
        }
    }

    @Test("What a worker gives back keeps its place, and Python can take it")
    func givingBack() async throws {
        let sent = try await site.app.send([add(1, 1), add(2, 2), add(3, 3)])
        let stopped = Mutex<TaskWorker?>(nil)
        let worker = site.app.worker(concurrency: 1) {
            TaskHandler("tasks.add") { _ in
                // The first one runs until the others are given back.
                stopped.withLock { $0 }?.stop()
                try await site.until("[2]", to: "SELECT count(*) FROM kombu_message WHERE visible")
                return 2
            }
        }
        stopped.withLock { $0 = worker }
        try await worker.run()
        let rows = try await site.ask("SELECT visible, timestamp, version FROM kombu_message WHERE id > 1")
        #expect(rows == ["[1, NULL, 3]", "[1, NULL, 3]"])
        let python = try await site.python.startWorker(queues: ["celery"])
        #expect(try await sent.get(timeout: .seconds(60)) == [2, 4, 6])
        #expect(try await site.ask("SELECT task_id FROM celery_taskmeta ORDER BY id") == sent.map { "[\"\($0.id)\"]" })
        await python.stop()
    }

    @Test("Pickled rows and unknown options are refused by name")
    func refusals() async throws {
        try await site.ask(
            "INSERT INTO celery_taskmeta (task_id, status, result) VALUES ('old', 'SUCCESS', X'80054B052E')")
        let error = await #expect(throws: CeleriacError.self) { try await site.app.result("old", as: Int.self).get() }
        #expect(error?.message.contains("the task old in celery_taskmeta is a Python pickle") == true)
        let options = #expect(throws: CeleriacError.self) { try SQLOptions(["polling": 1]) }
        #expect(options?.message.contains("polling") == true)
    }

    @Test("Unreadable messages are parked; a queue is counted and purged")
    func queues() async throws {
        try await site.broker.publish([OutgoingMessage(message: WireMessage(body: []), routingKey: "celery")])
        try await site.ask("UPDATE kombu_message SET payload = '?'")
        #expect(try await site.broker.depth(of: "celery") == 1)
        try await site.serve(site.app.worker {}) {
            let parked = "SELECT reason, payload, parked > 0, worker LIKE 'celery@%' FROM celeriac_parked"
            try await site.until("[\"malformedEnvelope\", \"?\", 1, 1]", to: parked)
        }
        #expect(try await site.broker.depth(of: "celery") == 0)
        _ = try await site.app.send([add(1, 1), add(2, 2)])
        #expect(try await site.broker.purge("celery") == 2)
        #expect(try await site.broker.depth(of: "celery") == 0)
    }

    private func call(_ task: String, _ arguments: [WireValue], _ queue: String) -> WireValue {
        ["task": .string(task), "args": .array(arguments), "options": ["queue": .string(queue)]]
    }
}
