import Celeriac
import CeleriacTestKit
import CeleriacWire
import CeleryWire
import Foundation
import Logging

#if AMQP
import CeleriacAMQP
#endif
#if Redis
import CeleriacRedis
#endif

/// Runs cases in which Python sends, a Swift worker runs and Python reads the result.
struct PythonToSwift: Sendable {
    let site: MatrixSite
    let driver: PythonDriver

    /// Runs one case; throws if it fails.
    func run(_ testCase: MatrixCase) async throws {
        switch testCase.kind {
        case .call(let call):
            let keywords = Dictionary(uniqueKeysWithValues: call.keywords.map { ($0.key, $0.value) })
            let got = try await outcome(of: call.task, call.arguments, keywords, options: call.pythonOptions)
            switch call.outcome {
            case .value(let value): try expect(got, .success(value))
            case .failure(let state, let type, let module, let arguments):
                try expect(got, .failure(state: state, type: type, module: module, arguments: arguments))
            }
        case .richTypes: try await value(of: "rich", [MatrixCase.rich], is: MatrixCase.rich)
        case .countdown: try await isDelayed(["countdown": 2])
        case .eta:
            let eta = CeleryTime.text(Date().addingTimeInterval(2)) ?? ""
            try await isDelayed(["eta": ["__type__": "datetime", "__value__": .string(eta)]])
        case .ignoredResult:
            let path = site.folder + "/ignored-by-swift"
            let id = try await driver.send("tasks.record", [.string(path), "x"], options: ["ignore_result": true])
            await until { FileManager.default.fileExists(atPath: path) }
            // The next result arrives after this one would have been stored.
            try await value(of: "add", [1, 1], is: 2)
            try expect(try await driver.state(id), "PENDING", "state")
        case .priorities: try await servesByPriority()
        case .headers:
            try await value(of: "headers", [], is: ["x-trace": "abc"], options: ["headers": ["x-trace": "abc"]])
        case .refusedPickle:
            _ = try await driver.send("tasks.add", [2, 3], options: ["serializer": "pickle"])
            await until { await parkedReason() != nil }
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

    private func isDelayed(_ options: [String: WireValue]) async throws {
        let id = try await driver.send("tasks.add", [2, 3], options: options)
        try await value(of: "add", [1, 1], is: 2)
        try expect(try await driver.state(id), "PENDING", "state before its time")
        try expect(try await driver.get(id), .success(5))
    }

    /// Checks priorities. The worker of this queue starts once all messages are there.
    private func servesByPriority() async throws {
        let path = site.folder + "/priorities-by-swift"
        for priority: WireValue in [3, 9, 0, 6] {
            _ = try await driver.send(
                "tasks.record", [.string(path), .string("\(priority.intValue ?? 0)")],
                options: ["priority": priority, "queue": "priorities"])
        }
        let worker = site.app.worker(queues: ["priorities"], concurrency: 1) { MatrixTasks.handlers }
        try await withRunning(worker) {
            await until { recorded(path).count == 4 }
        }
        try expect(recorded(path), site.transport == .redis ? ["0", "3", "6", "9"] : ["9", "6", "3", "0"], "order")
    }

    /// The reason for which the last message of the default queue was parked.
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
