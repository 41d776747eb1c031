import Celeriac
import CeleriacTestKit
import Foundation
import Testing

/// Swift sends, a Python worker runs, Swift reads the result.
struct SwiftToPython: Sendable {
    let site: MatrixSite
    private var app: CeleryApp { site.app }

    init(site: MatrixSite) { self.site = site }

    /// Runs one case; throws what is wrong.
    func run(_ testCase: MatrixCase) async throws {
        switch testCase {
        case .positional:
            try expect(try await get(MatrixTasks.add(2, 3)), 5)
        case .keyword:
            try expect(try await get(MatrixTasks.add.keywords(2, 3)), 5)
        case .mixed:
            let mixed = Signature("tasks.add", arguments: [2], keywordArguments: ["y": 3], returning: Int.self)
            try expect(try await get(mixed), 5)
        case .defaults:
            try expect(try await value(of: "greet", ["Ada"], ["mark": "?"]), "Hello, Ada?")
        case .rest:
            try expect(try await value(of: "echo", [1, 2], ["a": 3]), ["args": [1, 2], "kwargs": ["a": 3]])
        case .jsonTypes:
            try expect(
                try await value(of: "echo", [MatrixValues.json]), ["args": [MatrixValues.json], "kwargs": [:]])
        case .richTypes: try await richTypes()
        case .countdown: try await isDelayed(SendOptions(countdown: .seconds(2)))
        case .eta: try await isDelayed(SendOptions(eta: Date().addingTimeInterval(2)))
        case .expires:
            let error = try await failure(
                of: "add", [1, 1],
                options: SendOptions(countdown: .seconds(2), expires: Date().addingTimeInterval(1)))
            try expect(error.state, .revoked, "state")
            try expect(error.type, "TaskRevokedError", "type")
            try expect(error.arguments, ["expired"], "arguments")
        case .ignoreResult:
            let path = site.folder + "/ignored-by-python"
            let result = try await app.send(MatrixTasks.record(path, "x", 0), ignoresResult: true)
            try await until { FileManager.default.fileExists(atPath: path) }
            try expect(try await get(MatrixTasks.add(1, 1)), 2)
            try expect(try await result.status(), .pending, "state")
        case .failure:
            let error = try await failure(of: "fail", ["ValueError", "boom", 42])
            try expect(error.type, "ValueError", "type")
            try expect(error.module, "builtins", "module")
            try expect(error.arguments, ["boom", 42], "arguments")
            try expect(error.traceback?.contains("Traceback") == true, "the traceback is missing")
        case .retrySuccess: try expect(try await value(of: "retry_until", [2, 0.1]), 2)
        case .retryExhaust:
            let error = try await failure(of: "retry_exhaust", [2, 0.1])
            try expect(error.type, "ValueError", "type")
            try expect(error.arguments, ["never good", 2], "arguments")
        case .priority: try await servesByPriority()
        case .queue: try expect(try await value(of: "add", [2, 3], options: SendOptions(queue: "custom")), 5)
        case .headers:
            let headers = try await value(of: "headers", [], options: SendOptions(headers: ["x-trace": "abc"]))
            try expect(headers["x-trace"], "abc", "the header")
        case .zlib: try await compressed(.zlib)
        case .bzip2: try await compressed(.bzip2)
        case .lzma: try await compressed(.xz)
        case .zstd: try await compressed(.zstd)
        case .msgpack: try expect(try await value(of: "add", [2, 3], options: SendOptions(serializer: .msgpack)), 5)
        case .yaml: try expect(try await value(of: "add", [2, 3], options: SendOptions(serializer: .yaml)), 5)
        case .pickle:
            do {
                try await app.send(MatrixTasks.add(1, 1), serializer: Serializer(rawValue: "pickle"))
                throw CaseFailure(description: "a pickle was sent")
            } catch let error as CeleriacError {
                try expect(error.code, .unsupported, "code")
                try expect(error.message.contains("pickle"), "the error does not name pickle")
            }
        }
    }

    private func get<Value>(_ signature: Signature<Value>) async throws -> Value {
        try await app.send(signature).get(timeout: .seconds(30))
    }

    private func value(
        of task: String, _ arguments: [WireValue], _ keywords: WireObject = [:], options: SendOptions = SendOptions()
    ) async throws -> WireValue {
        let signature = Signature("tasks." + task, arguments: arguments, keywordArguments: keywords)
        return try await get(signature.with(options))
    }

    private func failure(
        of task: String, _ arguments: [WireValue], options: SendOptions = SendOptions()
    ) async throws -> RemoteTaskError {
        do {
            let value = try await value(of: task, arguments, options: options)
            throw CaseFailure(description: "it returned \(value)")
        } catch let error as RemoteTaskError {
            return error
        }
    }

    private func richTypes() async throws {
        let rich = MatrixTasks.Rich(
            instant: Date(timeIntervalSince1970: 1_795_437_015.25),
            local: try #require(LocalDateTime("2026-11-23T12:30:15")), date: try #require(LocalDate("2026-11-23")),
            time: try #require(LocalTime("12:30:15.250000")),
            decimal: Decimal(string: "1.25") ?? 0,
            uuid: UUID(uuidString: "12345678-1234-5678-1234-567812345678") ?? UUID(), bytes: [0, 0xff, 0xfe])
        let echo = TaskName<MatrixTasks.Rich, WireValue>("tasks.echo")
        let answer = try await get(echo(rich))
        try expect(answer["args"]?[0] ?? .null, MatrixValues.rich)
        struct Echo: Codable, Sendable { var args: [MatrixTasks.Rich] }
        let typed = try await get(TaskName<MatrixTasks.Rich, Echo>("tasks.echo")(rich))
        try expect(typed.args, [rich])
    }

    private func compressed(_ compression: Compression) async throws {
        let text = WireValue.string(String(repeating: "celeriac ", count: 200))
        try expect(
            try await value(of: "echo", [text], options: SendOptions(compression: compression)),
            ["args": [text], "kwargs": [:]])
    }

    private func isDelayed(_ options: SendOptions) async throws {
        let result = try await app.send(MatrixTasks.add(2, 3).with(options))
        try expect(try await get(MatrixTasks.add(1, 1)), 2)
        try expect(try await result.status(), .pending, "state before its time")
        try expect(try await result.get(timeout: .seconds(30)), 5)
    }

    /// The worker of this queue starts when all messages are there.
    private func servesByPriority() async throws {
        let path = site.folder + "/priorities-by-python"
        for priority: UInt8 in [3, 9, 0, 6] {
            try await app.send(MatrixTasks.record(path, "\(priority)", 0), priority: priority, queue: "priorities")
        }
        let worker = try await site.python.startWorker(queues: ["priorities"])
        try await until { recorded(path).count == 4 }
        await worker.stop()
        try expect(recorded(path), site.transport == .redis ? ["0", "3", "6", "9"] : ["9", "6", "3", "0"], "order")
    }
}
