import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Foundation
import Synchronization
import Testing

@Suite("SQL transport", .serialized, .timeLimit(.minutes(2)))
struct SQLTransportTests {
    let site: Site
    let add = TaskDefinition<Int, Int, Int>("tasks.add")

    init() throws { site = try Site() }

    @Test("Swift and Python run what the other sends, and read how it ended", arguments: ["celery", "swift"])
    func tasks(_ queue: String) async throws {
        try await site.serve { driver in
            #expect(try await site.app.send(add(2, 3), queue: queue).get(timeout: .seconds(30)) == 5)
            let fail = TaskDefinition<String, String, Void>("tasks.fail")("ValueError", "no")
            let error = await #expect(throws: RemoteTaskError.self) {
                try await site.app.send(fail, queue: queue).get(timeout: .seconds(30))
            }
            #expect(error?.type == "ValueError" && error?.arguments == ["no"])
            let added = try await driver.send("tasks.add", [2, 3], options: ["queue": .string(queue)])
            #expect(try await driver.get(added) == .success(5))
            let failed = try await driver.send("tasks.fail", ["ValueError", "no"], options: ["queue": .string(queue)])
            #expect(
                try await driver.get(failed)
                    == .failure(state: "FAILURE", type: "ValueError", module: "builtins", arguments: ["no"]))
        }
    }

    @Test("A group saved by one is restored by the other")
    func groups() async throws {
        try await site.serve { driver in
            let ours = try await site.app.send(group([add(1, 1), add(2, 2)]))
            try await ours.save()
            #expect(try await driver.ask("restore_group", ["id": .string(ours.id)])["results"] == [2, 4])
            let tree: WireValue = [
                "group": [call("tasks.add", [3, 3], "celery"), call("tasks.add", [4, 4], "swift")]
            ]
            let theirs = try await driver.ask("save_group", ["canvas": tree])
            let id = try #require(theirs["id"]?.stringValue)
            let restored = try await site.app.group(id, as: Int.self)
            #expect(try await restored?.get(timeout: .seconds(30)) == [6, 8])
        }
    }

    @Test("A chord whose parts run in both is unlocked by either", arguments: ["celery", "swift"])
    func chords(_ queue: String) async throws {
        try await site.serve { driver in
            let sum = TaskDefinition<[Int], Int>("tasks.sum_ints").with(SendOptions(queue: queue))
            let header = [add(1, 1).with(SendOptions(queue: "celery")), add(2, 2).with(SendOptions(queue: "swift"))]
            let ours = try await site.app.send(chord(header, body: sum))
            let tree: WireValue = [
                "chord": [call("tasks.add", [1, 1], "celery"), call("tasks.add", [2, 2], "swift")],
                "body": call("tasks.sum_ints", [], queue),
            ]
            let theirs = try await driver.ask("canvas", ["canvas": tree])
            #expect(try await ours.get(timeout: .seconds(60)) == 6)
            let id = try #require(theirs["id"]?.stringValue)
            #expect(try await driver.get(id, timeout: .seconds(60)) == .success(6))
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
        let worker = site.app.worker { TaskHandler("tasks.sleep") { .bool($0.request.redelivered) } }
        try await site.serve(worker) {
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

    @Test("A pickled row is refused by name")
    func pickled() async throws {
        try await site.ask(
            "INSERT INTO celery_taskmeta (task_id, status, result) VALUES ('old', 'SUCCESS', X'80054B052E')")
        let error = await #expect(throws: CeleriacError.self) { try await site.app.result("old", as: Int.self).get() }
        #expect(error?.message.contains("the task old in celery_taskmeta is a Python pickle") == true)
    }

    @Test("An unreadable message is parked, can be put back, and is purged or dropped")
    func unreadable() async throws {
        let broker = site.broker
        try await broker.publish([OutgoingMessage(message: WireMessage(body: []), routingKey: "celery")])
        try await site.ask("UPDATE kombu_message SET payload = '?'")
        for drops in [false, true] {
            #expect(try await broker.depth(of: "celery") == 1)
            try await site.serve(site.app.worker {}) {
                try await site.until("[1]", to: "SELECT count(*) FROM celeriac_parked")
            }
            #expect(try await broker.depth(of: "celery") == 0)
            let parked = try #require(try await broker.parkedMessages(in: "celery", after: nil, limit: 2).first)
            #expect(parked.message == Array("?".utf8) && parked.reason == "malformedEnvelope")
            #expect(parked.worker.hasPrefix("celery@") && !parked.worker.contains(" ") && parked.time != nil)
            #expect(try await broker.parkedMessages(in: "celery", after: parked.id, limit: 2).isEmpty)
            #expect(try await broker.dropParked([parked.id], in: "other") == 0)
            if drops {
                #expect(try await broker.dropParked(["no number", parked.id, parked.id], in: "celery") == 1)
            } else {
                #expect(try await broker.requeueParked([parked.id, parked.id], in: "celery") == 1)
            }
        }
        _ = try await site.app.send([add(1, 1), add(2, 2)])
        #expect(try await broker.purge("celery") == 2)
        #expect(try await broker.depth(of: "celery") == 0)
    }

    private func call(_ task: String, _ arguments: [WireValue], _ queue: String) -> WireValue {
        ["task": .string(task), "args": .array(arguments), "options": ["queue": .string(queue)]]
    }
}
