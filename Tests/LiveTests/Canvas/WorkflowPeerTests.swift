import Celeriac
import CeleriacTestKit
import CeleriacWire
import CeleryWire
import Foundation
import Testing

/// Tests groups, items and broken workflows between Python and Swift.
@Suite("Workflows with Python", .serialized)
struct WorkflowPeerTests {
    @Test(
        "Each side restores groups that the other saved", .timeLimit(.minutes(5)),
        arguments: MatrixTransport.keepingGroups)
    fileprivate func groups(_ transport: MatrixTransport) async throws {
        try await Self.run(transport) { site, driver in
            let add = TaskDefinition<Int, Int, Int>("tasks.add")
            let ours = try await site.app.send(group([add(1, 1), add(2, 2)]))
            try await ours.save()
            let found = try await driver.ask("restore_group", ["id": .string(ours.id)])
            #expect(found["ids"]?.arrayValue == ours.results.map { .string($0.id) })
            #expect(found["results"] == [2, 4])

            let tree: WireValue = [
                "group": [["task": "tasks.add", "args": [3, 3]], ["task": "tasks.add", "args": [4, 4]]]
            ]
            let theirs = try await driver.ask("save_group", ["canvas": tree])
            let id = try #require(theirs["id"]?.stringValue)
            let restored = try #require(try await site.app.group(id, as: Int.self))
            #expect(theirs["ids"]?.arrayValue == restored.results.map { .string($0.id) })
            #expect(try await restored.get(timeout: .seconds(60)) == [6, 8])
            try await restored.delete()
            #expect(try await driver.ask("restore_group", ["id": .string(id)])["ids"] == .null)
        }
    }

    @Test(
        "Each side runs the other's map, starmap and chunks", .timeLimit(.minutes(5)),
        arguments: MatrixTransport.available)
    fileprivate func items(_ transport: MatrixTransport) async throws {
        try await Self.run(transport) { site, driver in
            let add = TaskDefinition<Int, Int, Int>("tasks.add")
            let sum = TaskDefinition<[Int], Int>("tasks.sum_ints")
            let (starmap, sums) = (add.starmap([(1, 2), (3, 4)]), map(sum, over: [[1, 2], [3]]))
            for queue in ["celery", "swift"] {
                let options = SendOptions(queue: queue)
                #expect(try await site.app.send(starmap.with(options)).get(timeout: .seconds(60)) == [3, 7])
                #expect(try await site.app.send(sums.with(options)).get(timeout: .seconds(60)) == [3, 3])
            }
            let chunks = try await site.app.send(
                add.chunks([(1, 1), (2, 2), (3, 3)], of: 2), options: SendOptions(queue: "celery"))
            #expect(try await chunks.get(timeout: .seconds(60)) == [[2, 4], [6]])
            // Python sends these, and Swift runs them.
            let signature: WireValue = ["task": "tasks.add", "args": [], "kwargs": [:], "options": [:]]
            let id = try await driver.send(
                "celery.starmap", keywords: ["task": signature, "it": [[1, 2], [3, 4]]], options: ["queue": "swift"])
            #expect(try await driver.get(id) == .success([3, 7]))
            guard transport != .rabbitRPC else { return }
            // These are chunks within a chord: the body gets their results.
            let joined = chord(
                add.chunks([(1, 1), (2, 2), (3, 3)], of: 2).members,
                body: Signature<[[Int]]>(
                    "celery.accumulate", arguments: [], keywordArguments: ["index": 0], returning: [[Int]].self))
            #expect(try await site.app.send(joined).get(timeout: .seconds(60)) == [[2, 4], [6]])
        }
    }

    @Test(
        "Broken workflows fail or are parked, next to a Python worker", .timeLimit(.minutes(6)),
        arguments: MatrixTransport.servers)
    fileprivate func broken(_ transport: MatrixTransport) async throws {
        try await Self.run(transport) { site, driver in
            let add: WireValue = ["task": "tasks.add"]
            let bodyless: WireValue = ["task": "celery.chord", "subtask_type": "chord", "kwargs": ["header": [add]]]
            let notes: WireValue = .array(
                Array(repeating: ["task": "tasks.ignored", "options": ["queue": "swift"]], count: 10_000))
            let embeds: [(WireObject, String)] = [
                // The first three are parked, the others run.
                (["callbacks": add], "FAILURE"), (["chain": [1]], "FAILURE"), (["chord": [1]], "FAILURE"),
                (["chain": [bodyless]], "FAILURE"), (["callbacks": [bodyless]], "FAILURE"),
                (["callbacks": [["task": "g", "subtask_type": "group", "kwargs": ["tasks": 5]]]], "FAILURE"),
                (["chain": [["task": "tasks.add", "options": ["countdown": "soon"]]]], "FAILURE"),
                (["callbacks": notes], "SUCCESS"),
            ]
            for (number, (embed, state)) in embeds.enumerated() {
                let id = "broken-\(number)"
                try await Self.publish([[1, 2], [:], .object(embed)], task: "tasks.add", id: id, driver)
                try await Self.bothServe(site)
                try await until { try await driver.state(id) == state }
                #expect(try await driver.state(id) == state, "\(embed.keys)")
            }
            try await Self.publish([["g", 5], [:], [:]], task: "celery.chord_unlock", id: "unlock", driver)
            try await until { try await driver.state("unlock") == "FAILURE" }
            try await Self.bothServe(site)
        }
    }

    @Test(
        "what is no number and what is nested deeply goes through both", .timeLimit(.minutes(5)),
        arguments: MatrixTransport.servers)
    fileprivate func oddValues(_ transport: MatrixTransport) async throws {
        try await Self.run(transport) { site, _ in
            func echo(_ arguments: [WireValue], on queue: String) -> Signature<WireValue> {
                Signature("tasks.echo", arguments: arguments).with(SendOptions(queue: queue))
            }
            let odd: [WireValue] = [.double(.infinity), .double(-.infinity)]
            for (first, second) in [("swift", "celery"), ("celery", "swift")] {
                let steps: [WireValue] = [first, second].map { queue in
                    ["task": "tasks.echo", "args": .array(odd), "options": ["queue": .string(queue)]]
                }
                let chain = try await site.app.send(
                    Signature<WireValue>(.chain(try steps.map { try CelerySignature.decode($0) })))
                let inner: WireValue = ["args": .array(odd), "kwargs": [:]]
                #expect(try await chain.get(timeout: .seconds(60)) == ["args": .array([inner] + odd), "kwargs": [:]])
                let joined = try await site.app.send(
                    chord([echo(odd, on: first), echo([.double(.nan)], on: second)], body: echo([], on: first)))
                let parts = try await joined.get(timeout: .seconds(60))["args"]?[0]
                #expect(parts?[0] == inner)
                #expect(parts?[1]?["args"]?[0]?.doubleValue?.isNaN == true)
            }
            var deep = WireValue.int(1)
            for _ in 0..<800 { deep = [deep] }
            for queue in ["celery", "swift"] {
                let result = try await site.app.send(echo([deep], on: queue)).get(timeout: .seconds(60))
                #expect(result["args"]?[0] == deep)
                let empty = try await site.app.send(echo([1], on: "")).get(timeout: .seconds(60))
                #expect(empty["args"] == [1])
            }
        }
    }

    #if Redis
    @Test("what is for a named exchange goes where Python's worker has bound its queue", .timeLimit(.minutes(5)))
    func exchangeOnRedis() async throws {
        let url = try await SharedServers.shared.redisDatabaseURL()
        let peer = PythonPeer(
            broker: url, results: url,
            settings: ["task_queues": [["name": "media-queue", "exchange": "media", "routing_key": "media.a"]]])
        let python = try await peer.startWorker(queues: ["media-queue"])
        let app = try CeleryApp(broker: url, results: url)
        let worker = app.worker(queues: ["swift"], concurrency: 4) { MatrixTasks.handlers }
        try await withRunning(worker) {
            let step: WireValue = [
                "task": "tasks.echo", "options": ["exchange": "media", "routing_key": "media.a"],
            ]
            let first: WireValue = ["task": "tasks.add", "args": [1, 2], "options": ["queue": "swift"]]
            let alone = Signature<WireValue>(try CelerySignature.decode(step))
            #expect(try await app.send(alone).get(timeout: .seconds(120)) == ["args": [], "kwargs": [:]])
            let chain = Signature<WireValue>(
                .chain([try CelerySignature.decode(first), try CelerySignature.decode(step)]))
            #expect(try await app.send(chain).get(timeout: .seconds(120)) == ["args": [3], "kwargs": [:]])
        }
        await python.stop()
        await app.close()
    }
    #endif

    private static func publish(_ body: WireValue, task: String, id: String, _ driver: PythonDriver) async throws {
        let text = String(decoding: try WireJSON.encode(body), as: UTF8.self)
        _ = try await driver.ask(
            "publish",
            [
                "headers": ["lang": "py", "task": .string(task), "id": .string(id)], "body": .string(text),
                "queue": "swift",
            ])
    }

    private static func bothServe(_ site: MatrixSite) async throws {
        for queue in ["celery", "swift"] {
            let sum = TaskDefinition<Int, Int, Int>("tasks.add")(1, 2).with(SendOptions(queue: queue))
            // Up to ten thousand callbacks may run before it.
            #expect(try await site.app.send(sum).get(timeout: .seconds(180)) == 3)
        }
    }

    /// Runs a Python worker for the queue `celery` and a Swift worker for the queue `swift` while `body` runs.
    private static func run(
        _ transport: MatrixTransport, _ body: (MatrixSite, PythonDriver) async throws -> Void
    ) async throws {
        let site = try await MatrixSite(transport)
        let python = try await site.python.startWorker(queues: ["celery"])
        let driver = try await site.python.startDriver()
        let worker = site.app.worker(queues: ["swift"], concurrency: 4) { MatrixTasks.handlers }
        try await withRunning(worker) {
            try await body(site, driver)
        }
        #expect(python.isRunning)
        await driver.stop()
        await python.stop()
        await site.close()
    }
}

extension MatrixTransport {
    /// The transports that store results, including groups.
    fileprivate static var keepingGroups: [MatrixTransport] { available.filter { $0 != .rabbitRPC } }
    /// The transports with a server and stored results.
    fileprivate static var servers: [MatrixTransport] { available.filter { $0 == .redis || $0 == .rabbitRedis } }
}
