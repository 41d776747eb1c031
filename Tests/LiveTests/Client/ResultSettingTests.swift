import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import CeleryWire
import Foundation
import Logging
import NIOPosix
import Testing

#if AMQP
import CeleriacAMQP
#endif
#if Redis
import CeleriacRedis
#endif

/// Results in the forms that Celery's settings name, written by one language and read by the other.
@Suite("Settings of results", .serialized, .timeLimit(.minutes(5)))
struct ResultSettingTests {
    /// A transport, and settings of both languages.
    struct Case: Sendable, CustomTestStringConvertible {
        let transport: MatrixTransport
        let settings: String
        var testDescription: String { "\(transport.rawValue): \(settings)" }
    }

    private static let settings = [
        "{result_serializer: msgpack, result_accept_content: [msgpack]}",
        "{result_serializer: yaml, result_accept_content: [yaml]}",
        "{result_serializer: json, result_compression: gzip, result_persistent: true}",
        "{result_serializer: msgpack, result_accept_content: [json, msgpack], result_compression: gzip}",
    ]

    /// The transports with stores of their own kinds.
    private static let transports = MatrixTransport.available.filter { $0 != .rabbitRedis }

    static let cases = transports.flatMap { transport in
        settings.map { Case(transport: transport, settings: $0) }
    }

    @Test("Python reads what a Swift worker stores", arguments: cases)
    func swiftToPython(_ form: Case) async throws {
        let site = try await MatrixSite(form.transport, settings: form.settings)
        let driver = try await site.python.startDriver()
        let worker = site.app.worker(queues: ["celery"], concurrency: 2) { MatrixTasks.handlers }
        try await withRunning(worker) {
            let sum = try await driver.send("tasks.add", [2, 3])
            #expect(try await driver.get(sum) == .success(5))
            try await checkStored(sum, form, site)
            let text = try await driver.send("tasks.greet", ["Zoë"])
            #expect(try await driver.get(text) == .success("Hello, Zoë!"))
            let list = try await driver.send("tasks.echo", [[1, 2.5, nil, true, "x"]])
            #expect(try await driver.get(list).value?["args"] == [[1, 2.5, nil, true, "x"]])
            let failed = try await driver.send("tasks.fail", ["ValueError", "boom", 42])
            #expect(
                try await driver.get(failed)
                    == .failure(state: "FAILURE", type: "ValueError", module: "builtins", arguments: ["boom", 42]))
            // The second state replaces the first.
            let retried = try await driver.send("tasks.retry_until", [1])
            #expect(try await driver.get(retried) == .success(1))
        }
        await driver.stop()
        await site.close()
    }

    @Test("Swift reads what a Python worker stores", arguments: cases)
    func pythonToSwift(_ form: Case) async throws {
        let site = try await MatrixSite(form.transport, settings: form.settings)
        let worker = try await site.python.startWorker(pool: .threads, concurrency: 2)
        let sum = try await site.app.send(MatrixTasks.add(2, 3))
        #expect(try await sum.get(timeout: .seconds(60)) == 5)
        try await checkStored(sum.id, form, site)
        let text = try await site.app.send(Signature("tasks.greet", arguments: ["Zoë"], returning: String.self))
        #expect(try await text.get(timeout: .seconds(60)) == "Hello, Zoë!")
        let values: WireValue = [1, 2.5, nil, true, "x", ["__type__": "base64", "__value__": "AP8="]]
        let echo = try await site.app.send(Signature<WireValue>("tasks.echo", arguments: [values]))
        let echoed = try #require(try await echo.get(timeout: .seconds(60))["args"]?[0]?.arrayValue)
        #expect(echoed.dropLast() == [1, 2.5, nil, true, "x"])
        // Python has the bytes themselves, and only JSON has no form of its own for them.
        let isJSON = form.settings.contains("result_serializer: json")
        let bytes: WireValue = isJSON ? ["__type__": "base64", "__value__": "AP8="] : .bytes([0, 0xff])
        #expect(echoed.last == bytes)
        let failed = try await site.app.send(
            Signature<WireValue>("tasks.fail", arguments: ["ValueError", "boom", 42]))
        let error = await #expect(throws: RemoteTaskError.self) { try await failed.get(timeout: .seconds(60)) }
        #expect(error?.type == "ValueError" && error?.module == "builtins" && error?.arguments == ["boom", 42])
        let retried = try await site.app.send(MatrixTasks.retryUntil(1, 0.1))
        #expect(try await retried.get(timeout: .seconds(60)) == 1)
        await worker.stop()
        await site.close()
    }

    /// Checks that a stored result is in the form that the settings name.
    private func checkStored(_ id: String, _ form: Case, _ site: MatrixSite) async throws {
        guard let bytes = try await stored(id, site) else {
            #expect(form.transport == .rabbitRPC)
            return
        }
        let compressed = Array("\u{0}celery-compressed\u{0}application/x-gzip\u{0}".utf8)
        #expect(bytes.starts(with: compressed) == form.settings.contains("result_compression"))
        let named = CelerySerializer.allCases.first { form.settings.contains("result_serializer: \($0.rawValue)") }
        let serializer = try #require(named)
        #expect(try CeleryResultMeta.decode(bytes, serializer: serializer).taskID == id)
        // YAML is no JSON only as Python writes it.
        if serializer == .msgpack { #expect(throws: CeleryWireError.self) { try CeleryResultMeta.decode(bytes) } }
    }

    private func stored(_ id: String, _ site: MatrixSite) async throws -> [UInt8]? {
        switch site.transport {
        case .filesystem:
            let path = "\(site.folder)/results/celery-task-meta-\(id)"
            let data = try #require(FileManager.default.contents(atPath: path))
            return [UInt8](data)
        case .redis, .rabbitRedis:
            #if Redis
            let url = try #require(site.python.settings["result_backend"]?.stringValue)
            let connection = try await RedisConnection.connect(
                try RedisConfiguration(url: url), on: sharedEventLoop(), logger: Logger(label: "live"))
            let bytes = try await connection.send(RedisCommand("GET", "celery-task-meta-\(id)")).bytes
            await connection.close()
            return bytes
            #else
            return nil
            #endif
        case .rabbitRPC: return nil
        }
    }

    #if Redis
    @Test("A chord's parts are counted and joined across the languages, and a group is found", arguments: settings)
    func chords(_ settings: String) async throws {
        let site = try await MatrixSite(.redis, settings: settings)
        let python = try await site.python.startWorker(pool: .threads, concurrency: 2, queues: ["celery"])
        let driver = try await site.python.startDriver()
        let worker = site.app.worker(queues: ["swift"], concurrency: 2) { MatrixTasks.handlers }
        let add = TaskDefinition<Int, Int, Int>("tasks.add")
        let swifts = add.with(SendOptions(queue: "swift"))
        try await withRunning(worker) {
            for body in ["celery", "swift"] {
                let sum = TaskDefinition<[Int], Int>("tasks.sum_ints").with(SendOptions(queue: body))
                let total = try await site.app.send(chord([add(2, 3), swifts(2, 3)], body: sum))
                #expect(try await total.get(timeout: .seconds(60)) == 10, "the body runs at \(body)")
            }
            let members = try await site.app.send(group([add(1, 1), add(2, 2)]))
            try await members.save()
            let found = try await driver.ask("restore_group", ["id": .string(members.id), "timeout": 60])
            #expect(found["results"] == [2, 4])
            let tree: WireValue = ["group": [["task": "tasks.add", "args": [3, 3]]]]
            let saved = try await driver.ask("save_group", ["canvas": tree])
            let id = try #require(saved["id"]?.stringValue)
            let restored = try #require(try await site.app.group(id, as: Int.self))
            #expect(try await restored.get(timeout: .seconds(60)) == [6])
        }
        await driver.stop()
        await python.stop()
        await site.close()
    }
    #endif

    @Test("Neither language reads what it does not accept, and each says so", arguments: transports)
    func refused(_ transport: MatrixTransport) async throws {
        let site = try await MatrixSite(
            transport, settings: "{result_serializer: msgpack, result_accept_content: [json]}")
        let python = try await site.python.startWorker()
        let sent = try await site.app.send(MatrixTasks.add(2, 3))
        let error = await #expect(throws: CeleriacError.self) { try await sent.get(timeout: .seconds(60)) }
        #expect(error?.code == .resultStore)
        let cause = error?.cause as? CeleryWireError
        #expect(cause?.code == .disallowedContentType)
        #expect(cause?.message.contains("add 'msgpack' to result_accept_content") == true, "\(error as Any)")
        await python.stop()
        let driver = try await site.python.startDriver()
        try await withRunning(site.app.worker(queues: ["celery"]) { MatrixTasks.handlers }) {
            let id = try await driver.send("tasks.add", [2, 3])
            let refusal = await #expect(throws: TestKitError.self) { try await driver.get(id) }
            #expect(refusal?.message.contains("ContentDisallowed") == true, "\(refusal?.message ?? "")")
        }
        await driver.stop()
        await site.close()
    }

    #if AMQP
    @Test("An rpc reply is read as it says, whatever the settings of the other side")
    func otherReplies() async throws {
        let site = try await MatrixSite(
            .rabbitRPC, settings: "result_accept_content: [json, msgpack, yaml]",
            pythons: ["result_serializer": "yaml"])
        let python = try await site.python.startWorker()
        let sent = try await site.app.send(MatrixTasks.add(2, 3))
        #expect(try await sent.get(timeout: .seconds(60)) == 5)
        await python.stop()
        // The Swift worker answers in JSON.
        let driver = try await site.python.startDriver()
        try await withRunning(site.app.worker(queues: ["celery"]) { MatrixTasks.handlers }) {
            let id = try await driver.send("tasks.add", [2, 3])
            #expect(try await driver.get(id) == .success(5))
        }
        await driver.stop()
        await site.close()
    }

    @Test("An rpc reply is persistent if the settings say so", arguments: [false, true])
    func persistentReplies(_ isPersistent: Bool) async throws {
        let site = try await MatrixSite(
            .rabbitRPC, settings: "{result_persistent: \(isPersistent), result_serializer: yaml}")
        let url = try #require(site.python.settings["broker_url"]?.stringValue)
        let logger = Logger(label: "live")
        let configuration = try AMQPConfiguration(url: url)
        let connection = try await AMQPConnection.connect(configuration, on: sharedEventLoop(), logger: logger)
        let channel = try await connection.openChannel()
        _ = try await channel.queueDeclare("replies")
        // Both languages answer a message that names this queue.
        var task = CeleryTaskMessage(task: "tasks.add", id: "1", args: [2, 3])
        task.ignoreResult = false
        var message = try task.encode()
        message.properties.replyTo = "replies"
        let answered = AMQPPublish(routingKey: "celery", message: message)
        let client = AMQPClient(
            configurations: [configuration], eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: logger)
        func answer() async throws -> WireMessage {
            for outcome in try await client.publish([answered]) { if let error = outcome.error { throw error } }
            var delivery: AMQPDelivery?
            while delivery == nil { delivery = try await channel.get(queue: "replies", noAck: true) }
            return try #require(delivery).message
        }
        // The worker declares the queue of tasks.
        let python = try await site.python.startWorker()
        let pythons = try await answer()
        await python.stop()
        let worker = site.app.worker(queues: ["celery"]) { MatrixTasks.handlers }
        let ours = try await withRunning(worker) { try await answer() }
        #expect(pythons.properties.deliveryMode == (isPersistent ? 2 : 1))
        #expect(ours.properties.deliveryMode == pythons.properties.deliveryMode)
        #expect(pythons.properties.contentType == "application/x-yaml")
        #expect(ours.properties.contentType == pythons.properties.contentType)
        #expect(ours.properties.contentEncoding == pythons.properties.contentEncoding)
        #expect(ours.properties.correlationID == pythons.properties.correlationID)
        #expect(ours.headers == pythons.headers)
        await client.close()
        await connection.close()
        await site.close()
    }
    #endif
}
