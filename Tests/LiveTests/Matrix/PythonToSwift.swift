import Celeriac
import CeleriacTestKit
import Foundation
import Logging

#if AMQP
import CeleriacAMQP
#endif
#if Redis
import CeleriacRedis
#endif

/// Python sends, a Swift worker runs, Python reads the result.
struct PythonToSwift: Sendable {
    let site: MatrixSite
    let driver: PythonDriver

    /// Runs one case; throws what is wrong.
    func run(_ testCase: MatrixCase) async throws {
        switch testCase {
        case .positional: try await value(of: "add", [2, 3], is: 5)
        case .keyword: try await value(of: "add", [], ["x": 2, "y": 3], is: 5)
        case .mixed: try await value(of: "add", [2], ["y": 3], is: 5)
        case .defaults: try await value(of: "greet", ["Ada"], ["mark": "?"], is: "Hello, Ada?")
        case .rest: try await value(of: "echo", [1, 2], ["a": 3], is: ["args": [1, 2], "kwargs": ["a": 3]])
        case .jsonTypes:
            try await value(of: "echo", [MatrixValues.json], is: ["args": [MatrixValues.json], "kwargs": [:]])
        case .richTypes: try await value(of: "rich", [MatrixValues.rich], is: MatrixValues.rich)
        case .countdown: try await isDelayed(["countdown": 2])
        case .eta:
            let eta = CeleryTime.text(Date().addingTimeInterval(2)) ?? ""
            try await isDelayed(["eta": ["__type__": "datetime", "__value__": .string(eta)]])
        case .expires:
            let outcome = try await outcome(of: "add", [1, 1], options: ["countdown": 2, "expires": 1])
            try expect(
                outcome,
                .failure(
                    state: "REVOKED", type: "TaskRevokedError", module: "celery.exceptions", arguments: ["expired"]))
        case .ignoreResult:
            let path = site.folder + "/ignored-by-swift"
            let id = try await driver.send("tasks.record", [.string(path), "x"], options: ["ignore_result": true])
            try await until { FileManager.default.fileExists(atPath: path) }
            // The next result comes after the time at which this one would have been stored.
            try await value(of: "add", [1, 1], is: 2)
            try expect(try await driver.state(id), "PENDING", "state")
        case .failure:
            try expect(
                try await outcome(of: "fail", ["ValueError", "boom", 42]),
                .failure(state: "FAILURE", type: "ValueError", module: "builtins", arguments: ["boom", 42]))
        case .retrySuccess: try await value(of: "retry_until", [2, 0.1], is: 2)
        case .retryExhaust:
            try expect(
                try await outcome(of: "retry_exhaust", [2, 0.1]),
                .failure(state: "FAILURE", type: "ValueError", module: "builtins", arguments: ["never good", 2]))
        case .priority: try await servesByPriority()
        case .queue: try await value(of: "add", [2, 3], is: 5, options: ["queue": "custom"])
        case .headers:
            try await value(of: "headers", [], is: ["x-trace": "abc"], options: ["headers": ["x-trace": "abc"]])
        case .zlib: try await compressed("zlib")
        case .bzip2: try await compressed("bzip2")
        case .lzma: try await compressed("lzma")
        case .zstd: try await compressed("zstd")
        case .msgpack: try await value(of: "add", [2, 3], is: 5, options: ["serializer": "msgpack"])
        case .yaml: try await value(of: "add", [2, 3], is: 5, options: ["serializer": "yaml"])
        case .pickle:
            _ = try await driver.send("tasks.add", [2, 3], options: ["serializer": "pickle"])
            try await until { await parkedReason() != nil }
            try expect(await parkedReason(), "pickleRefused", "reason for parking")
            try await value(of: "add", [2, 3], is: 5)
        }
    }

    private func outcome(
        of task: String, _ arguments: [WireValue], _ keywords: [String: WireValue] = [:],
        options: [String: WireValue] = [:]
    ) async throws -> PythonOutcome {
        let id = try await driver.send("tasks." + task, arguments, keywords: keywords, options: options)
        return try await driver.get(id)
    }

    private func value(
        of task: String, _ arguments: [WireValue], _ keywords: [String: WireValue] = [:], is wanted: WireValue,
        options: [String: WireValue] = [:]
    ) async throws {
        try expect(try await outcome(of: task, arguments, keywords, options: options), .success(wanted))
    }

    private func compressed(_ name: String) async throws {
        let text = WireValue.string(String(repeating: "celeriac ", count: 200))
        try await value(
            of: "echo", [text], is: ["args": [text], "kwargs": [:]], options: ["compression": .string(name)])
    }

    private func isDelayed(_ options: [String: WireValue]) async throws {
        let id = try await driver.send("tasks.add", [2, 3], options: options)
        try await value(of: "add", [1, 1], is: 2)
        try expect(try await driver.state(id), "PENDING", "state before its time")
        try expect(try await driver.get(id), .success(5))
    }

    /// The worker of this queue starts when all messages are there.
    private func servesByPriority() async throws {
        let path = site.folder + "/priorities-by-swift"
        for priority: WireValue in [3, 9, 0, 6] {
            _ = try await driver.send(
                "tasks.record", [.string(path), .string("\(priority.intValue ?? 0)")],
                options: ["priority": priority, "queue": "priorities"])
        }
        let worker = site.app.worker(queues: ["priorities"], concurrency: 1) { MatrixTasks.handlers }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await worker.run() }
            try await until { recorded(path).count == 4 }
            worker.stop()
            try await group.waitForAll()
        }
        try expect(recorded(path), site.transport == .redis ? ["0", "3", "6", "9"] : ["9", "6", "3", "0"], "order")
    }

    /// Why the last message of the default queue was parked.
    private func parkedReason() async -> String? {
        switch site.transport {
        case .filesystem: parkedInFolder()
        case .redis: await parkedInRedis()
        case .rabbitRPC, .rabbitRedis: await parkedAtRabbitMQ()
        }
    }

    private func parkedInFolder() -> String? {
        let folder = site.folder + "/messages/celery.parked"
        guard let file = try? FileManager.default.contentsOfDirectory(atPath: folder).first,
            let data = FileManager.default.contents(atPath: "\(folder)/\(file)")
        else { return nil }
        return (try? WireJSON.decode([UInt8](data)))?["reason"]?.stringValue
    }

    private func parkedInRedis() async -> String? {
        #if Redis
        guard let url = site.python.settings["broker_url"]?.stringValue,
            let configuration = try? RedisConfiguration(url: url),
            let connection = try? await RedisConnection.connect(
                configuration, on: sharedEventLoop(), logger: Logger(label: "live"))
        else { return nil }
        let record = try? await connection.send(RedisCommand("LINDEX", "celery.parked", 0)).bytes
        await connection.close()
        return (record.flatMap { try? WireJSON.decode($0) })?["reason"]?.stringValue
        #else
        return nil
        #endif
    }

    private func parkedAtRabbitMQ() async -> String? {
        #if AMQP
        guard let url = site.python.settings["broker_url"]?.stringValue,
            let configuration = try? AMQPConfiguration(url: url),
            let connection = try? await AMQPConnection.connect(
                configuration, on: sharedEventLoop(), logger: Logger(label: "live"))
        else { return nil }
        let delivery = try? await connection.openChannel().get(queue: "celery.parked")
        await connection.close()
        return delivery?.message.headers["x-celeriac-reason"]?.stringValue
        #else
        return nil
        #endif
    }
}
