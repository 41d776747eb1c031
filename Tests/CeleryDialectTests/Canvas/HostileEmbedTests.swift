import Celeriac
import CeleriacCore
import CeleriacWire
import CeleryWire
import Testing

/// Messages whose workflow cannot be carried out. The worker stores a failure, parks the message if it cannot be read,
/// and runs the next task.
@Suite("Hostile workflows", .timeLimit(.minutes(5)))
struct HostileEmbedTests {
    private typealias Site = WorkflowSite

    /// Runs a good task with such an embed, and returns its stored result once another task has run.
    private func outcome(of embed: WireObject, task: String = "tasks.add") async throws -> (TaskResult?, parked: Int) {
        let site = Site()
        nonisolated(unsafe) var stored: TaskResult?
        try await site.serves(WorkerConfiguration(queues: ["celery"], concurrency: 1)) {
            let body = try WireJSON.encode([[1, 2], [:], .object(embed)])
            try await site.broker.publish([
                OutgoingMessage(
                    message: WireMessage(
                        headers: ["lang": "py", "task": .string(task), "id": "bad"],
                        properties: MessageProperties(contentType: "application/json", contentEncoding: "utf-8"),
                        body: body), routingKey: "celery")
            ])
            #expect(try await site.app.send(Site.add(1, 2)).get(timeout: .seconds(60)) == 3)
            let result: AsyncResult<WireValue> = site.app.result("bad")
            _ = try? await result.get(timeout: .seconds(60))
            stored = try await result.stored()
        }
        return (stored, site.broker.parked(from: "celery").count)
    }

    private static let add: WireValue = ["task": "tasks.add"]

    @Test(
        "that cannot be read are parked before the task runs",
        arguments: [
            ["callbacks": ["task": "x"]], ["callbacks": [5]], ["callbacks": "x"], ["chain": [1]],
            ["chain": [["task": 5]]], ["chain": ["task": "x"]], ["errbacks": [[]]], ["chord": [1]], ["chord": "x"],
            ["chain": [["task": "x", "options": []]]], ["callbacks": [["task": "x", "kwargs": []]]],
        ] as [WireObject])
    func parked(_ embed: WireObject) async throws {
        let (stored, parked) = try await outcome(of: embed)
        #expect(stored?.state == .failure && stored?.error?.type == "InvalidTaskError" && parked == 1)
    }

    @Test(
        "that cannot be applied are failures",
        arguments: [
            // A chord without a body, without a header, or with members that are not signatures.
            ["chain": [["task": "celery.chord", "subtask_type": "chord", "kwargs": ["header": [add]]]]],
            ["chain": [["task": "celery.chord", "subtask_type": "chord", "kwargs": ["body": add]]]],
            ["chain": [["task": "celery.chord", "subtask_type": "chord", "kwargs": ["header": [5], "body": add]]]],
            ["chain": [["task": "celery.chord", "subtask_type": "chord", "kwargs": ["header": [add], "body": 5]]]],
            ["callbacks": [["task": "celery.group", "subtask_type": "group", "kwargs": ["tasks": 5]]]],
            ["callbacks": [["task": "celery.group", "subtask_type": "group", "kwargs": ["tasks": [[]]]]]],
            ["callbacks": [["task": "celery.chain", "subtask_type": "chain", "kwargs": [:]]]],
            ["callbacks": [["task": "celery.chunks", "subtask_type": "chunks", "kwargs": ["it": [], "n": 0]]]],
            // Options of the wrong types.
            ["chain": [["task": "tasks.add", "options": ["countdown": "soon"]]]],
            ["chain": [["task": "tasks.add", "options": ["eta": "tomorrow"]]]],
            ["chain": [["task": "tasks.add", "options": ["eta": 5]]]],
            ["chain": [["task": "tasks.add", "options": ["expires": []]]]],
            ["chain": [["task": "tasks.add", "options": ["countdown": 1e300]]]],
            ["chain": [["task": "tasks.add", "options": ["task_id": 5]]]],
            ["chain": [["task": "tasks.add", "options": ["group_index": "first"]]]],
            ["chain": [["task": "tasks.add", "options": ["retries": 1.5]]]],
            ["chain": [["task": "tasks.add", "options": ["serializer": "pickle", "task_id": "x"]]]],
            ["chain": [["task": "tasks.add", "options": ["chain": 5, "chord": [5]]]]],
            ["callbacks": [["task": "tasks.add", "options": ["link": 5]]]],
        ] as [WireObject])
    func failures(_ embed: WireObject) async throws {
        let (stored, parked) = try await outcome(of: embed)
        #expect(stored?.state == .failure && parked == 0)
    }

    @Test("of a task that fails leave its failure to be stored")
    func errbacks() async throws {
        let group: WireValue = ["task": "celery.group", "subtask_type": "group", "kwargs": ["tasks": 5]]
        let chord: WireValue = ["task": "celery.chord", "subtask_type": "chord", "kwargs": ["body": 5]]
        for embed: WireObject in [
            ["errbacks": [group]], ["chain": [chord]], ["chain": [group]], ["chord": chord], ["chord": group],
        ] {
            let (stored, parked) = try await outcome(of: embed, task: "tasks.fail")
            #expect(stored?.state == .failure && parked == 0, "\(embed)")
            #expect(stored?.error?.type == "TypeError", "\(embed)")
        }
    }

    @Test("nested as deep as a message may be, and chains within chains, end")
    func nested() async throws {
        for (type, list) in [("chain", "tasks"), ("group", "tasks"), ("chord", "header")] {
            var inner = Self.add
            // A signature takes two levels of JSON, a list of signatures three. This stays below the limit of a
            // message.
            for _ in 0..<30 {
                inner = [
                    "task": .string("celery.\(type)"), "subtask_type": .string(type),
                    "kwargs": [list: [inner], "body": ["task": "celery.accumulate"]],
                ]
            }
            let site = Site()
            try await site.serves {
                var message = CeleryTaskMessage(task: "tasks.add", id: "deep", args: [1, 2])
                message.embed.callbacks = [inner]
                try await site.publish(message)
                let result: AsyncResult<WireValue> = site.app.result("deep")
                // The canvas is either applied or refused; both outcomes are stored.
                await _ = try? result.get(timeout: .seconds(60))
                #expect(try await result.status().isFinal, "\(type)")
                #expect(try await site.app.send(Site.add(1, 2)).get(timeout: .seconds(60)) == 3)
            }
        }
    }

    @Test("of ten thousand parts are carried out")
    func many() async throws {
        let site = Site()
        let count = NoticeCount()
        let note = TaskHandler("tasks.note") { _ in
            count.add()
            return .null
        }
        try await site.serves(WorkerConfiguration(queues: ["celery"]), [note]) {
            var message = CeleryTaskMessage(task: "tasks.add", id: "many", args: [1, 2])
            message.embed.callbacks = .array(Array(repeating: ["task": "tasks.note"], count: 10_000))
            try await site.publish(message)
            let result: AsyncResult<Int> = site.app.result("many")
            #expect(try await result.get(timeout: .seconds(60)) == 3)
            await count.reach(10_000)

            message.id = "long"
            message.embed.callbacks = nil
            message.embed.chain = .array(
                (0..<10_000).map { index in
                    ["task": "tasks.note", "immutable": true, "options": ["task_id": .string("step-\(index)")]]
                })
            message.task = "tasks.fail"
            try await site.publish(message)
            let last: AsyncResult<Int> = site.app.result("step-0")
            await #expect(throws: RemoteTaskError.self) { try await last.get(timeout: .seconds(60)) }
        }
    }
}

/// Counts, and signals when it reaches a number.
private final class NoticeCount: Sendable {
    private let (stream, continuation) = AsyncStream.makeStream(of: Void.self)

    func add() { continuation.yield() }

    func reach(_ count: Int) async {
        var left = count
        for await _ in stream {
            left -= 1
            if left == 0 { return }
        }
    }
}
