import Celeriac
import CeleriacTestKit
import CeleriacWire
import Foundation
import Testing

/// Runs cases in which Swift sends, a Python worker runs and Swift reads the result.
struct SwiftToPython: Sendable {
    let site: MatrixSite
    private var app: CeleryApp { site.app }

    init(site: MatrixSite) { self.site = site }

    /// Runs one case; throws if it fails.
    func run(_ testCase: MatrixCase) async throws {
        switch testCase.kind {
        case .call(let call): try await check(call)
        case .richTypes: try await richTypes()
        case .countdown: try await isDelayed(SendOptions(countdown: .seconds(2)))
        case .eta: try await isDelayed(SendOptions(eta: Date().addingTimeInterval(2)))
        case .ignoredResult:
            let path = site.folder + "/ignored-by-python"
            let result = try await app.send(MatrixTasks.record(path, "x", 0), ignoresResult: true)
            await until { FileManager.default.fileExists(atPath: path) }
            try expect(try await get(MatrixTasks.add(1, 1)), 2)
            try expect(try await result.status(), .pending, "state")
        case .priorities: try await servesByPriority()
        case .headers:
            let headers = try await value(of: "headers", [], options: SendOptions(headers: ["x-trace": "abc"]))
            try expect(headers["x-trace"], "abc", "the header")
        case .refusedPickle:
            do {
                try await app.send(MatrixTasks.add(1, 1), serializer: Serializer(rawValue: "pickle"))
                throw CaseFailure(description: "a pickle was sent")
            } catch let error as CeleriacError {
                try expect(error.code, .unsupported, "code")
                try expect(error.message.contains("pickle"), "the error does not name pickle")
            }
        }
    }

    private func check(_ call: MatrixCase.Call) async throws {
        switch call.outcome {
        case .value(let wanted):
            if let typed = call.typed {
                let number = try await get(typed).integer(Int64.self)
                try expect(number.map { .int($0) }, wanted, "the typed call's result")
            }
            try expect(
                try await value(of: call.task, call.arguments, call.keywords, options: call.swiftOptions()), wanted)
        case .failure(let state, let type, let module, let arguments):
            let error = try await failure(of: call.task, call.arguments, options: call.swiftOptions())
            try expect(error.state.rawValue, state, "state")
            try expect(error.type, type, "type")
            try expect(error.module, module, "module")
            try expect(error.arguments, arguments, "arguments")
            if state == "FAILURE" {
                try expect(error.traceback?.contains("Traceback") == true, "the traceback is missing")
            }
        }
    }

    private func get<Value>(_ signature: Signature<Value>) async throws -> Value {
        try await app.send(signature).get(timeout: .seconds(120))
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
        let echo = TaskDefinition<MatrixTasks.Rich, WireValue>("tasks.echo")
        let answer = try await get(echo(rich))
        try expect(answer["args"]?[0] ?? .null, MatrixCase.rich)
        struct Echo: Codable, Sendable { var args: [MatrixTasks.Rich] }
        let typed = try await get(TaskDefinition<MatrixTasks.Rich, Echo>("tasks.echo")(rich))
        try expect(typed.args, [rich])
    }

    private func isDelayed(_ options: SendOptions) async throws {
        let result = try await app.send(MatrixTasks.add(2, 3).with(options))
        try expect(try await get(MatrixTasks.add(1, 1)), 2)
        try expect(try await result.status(), .pending, "state before its time")
        try expect(try await result.get(timeout: .seconds(120)), 5)
    }

    /// Checks priorities. The worker of this queue starts once all messages are there.
    private func servesByPriority() async throws {
        let path = site.folder + "/priorities-by-python"
        for priority: UInt8 in [3, 9, 0, 6] {
            try await app.send(MatrixTasks.record(path, "\(priority)", 0), priority: priority, queue: "priorities")
        }
        let worker = try await site.python.startWorker(queues: ["priorities"])
        await until { recorded(path).count == 4 }
        await worker.stop()
        try expect(recorded(path), site.transport == .redis ? ["0", "3", "6", "9"] : ["9", "6", "3", "0"], "order")
    }
}
