import Celeriac
import CeleriacTestKit
import CeleriacWire
import Foundation
import TestSupport
import Testing
import Tracing

/// One trace goes through producers and workers in Python, by OpenTelemetry's own instrumentation of Celery, and in Swift.
@Suite("Traces with Python", .serialized)
struct TracePeerTests {
    @Test(
        "a chain from Python through Swift to Python and back, and from Swift", .timeLimit(.minutes(5)),
        arguments: MatrixTransport.servers)
    fileprivate func chains(_ transport: MatrixTransport) async throws {
        try await Self.run(transport) { site in
            let steps: WireValue = [
                site.add(1, on: "swift"), site.add(2, on: "celery"), site.add(3, on: "swift"),
            ]
            let sent = try await site.driver.ask("trace", ["canvas": ["chain": steps]])
            let (id, trace) = (try #require(sent["id"]?.stringValue), try #require(sent["trace"]?.stringValue))
            let outcome = try await site.driver.get(id)
            #expect(outcome == .success(7))
            let path = try await site.lineage(ofRun: 3, in: trace)
            #expect(
                path == [
                    "run/tasks.add swift", "apply_async/tasks.add python", "run/tasks.add python",
                    "apply_async/tasks.add swift", "run/tasks.add swift", "apply_async/tasks.add python", "root python",
                ])

            let add = TaskDefinition<Int, Int, Int>("tasks.add")
            let root = site.tracer.startSpan("root", context: ServiceContext.topLevel)
            let value = try await ServiceContext.withValue(root.context) {
                let first = add(1, 1).with(SendOptions(queue: "celery"))
                return try await site.app.send(first.then(add, 2)).get(timeout: .seconds(60))
            }
            root.end()
            #expect(value == 4)
            let back = try await site.lineage(ofRun: 2, in: root.identity.trace)
            #expect(
                back == [
                    "run/tasks.add python", "apply_async/tasks.add python", "run/tasks.add python",
                    "apply_async/tasks.add swift", "root swift",
                ])
        }
    }

    @Test(
        "retries on either side, and a task that a task sends", .timeLimit(.minutes(5)),
        arguments: MatrixTransport.servers)
    fileprivate func retries(_ transport: MatrixTransport) async throws {
        try await Self.run(transport) { site in
            for (queue, side) in [("swift", "swift"), ("celery", "python")] {
                let sent = try await site.driver.ask(
                    "trace",
                    ["canvas": ["task": "tasks.retry_until", "args": [1], "options": ["queue": .string(queue)]]])
                let (id, trace) = (try #require(sent["id"]?.stringValue), try #require(sent["trace"]?.stringValue))
                let outcome = try await site.driver.get(id)
                #expect(outcome == .success(1))
                let path = try await site.lineage(ofRun: 2, in: trace)
                #expect(
                    path == [
                        "run/tasks.retry_until \(side)", "apply_async/tasks.retry_until \(side)",
                        "run/tasks.retry_until \(side)", "apply_async/tasks.retry_until python", "root python",
                    ])
            }
            for (queue, side) in [("swift", "swift"), ("celery", "python")] {
                let sent = try await site.driver.ask(
                    "trace", ["canvas": ["task": "tasks.relay", "args": [], "options": ["queue": .string(queue)]]])
                let trace = try #require(sent["trace"]?.stringValue)
                let path = try await site.lineage(ofRun: 2, in: trace)
                #expect(
                    path == [
                        "run/tasks.add python", "apply_async/tasks.add \(side)", "run/tasks.relay \(side)",
                        "apply_async/tasks.relay python", "root python",
                    ])
            }
        }
    }

    @Test("a chord with members on both sides", .timeLimit(.minutes(5)), arguments: MatrixTransport.servers)
    fileprivate func chords(_ transport: MatrixTransport) async throws {
        try await Self.run(transport) { site in
            for queue in ["swift", "celery"] {
                let body: WireValue = ["task": "tasks.sum_ints", "args": [], "options": ["queue": .string(queue)]]
                let header: WireValue = [site.pair(1, on: "swift"), site.pair(2, on: "celery")]
                let sent = try await site.driver.ask("trace", ["canvas": ["chord": header, "body": body]])
                let (id, trace) = (try #require(sent["id"]?.stringValue), try #require(sent["trace"]?.stringValue))
                let outcome = try await site.driver.get(id)
                #expect(outcome == .success(6))
                let path = try await site.lineage(ofRun: 3, in: trace)
                #expect(path.first == "run/tasks.sum_ints \(queue == "swift" ? "swift" : "python")")
                #expect(path.dropFirst().first?.hasPrefix("apply_async/tasks.sum_ints ") == true)
                #expect(path.dropFirst(2).first?.hasPrefix("run/tasks.add ") == true && path.last == "root python")
            }
        }
    }

    /// Runs a Python worker for the queue `celery` and a Swift worker for the queue `swift` while `body` runs.
    private static func run(_ transport: MatrixTransport, _ body: (TraceSite) async throws -> Void) async throws {
        let tracer = TraceRecorder()
        let matrix = try await MatrixSite(transport, tracer: tracer)
        var peer = matrix.python
        peer.environment["CELERIAC_PEER_SPANS"] = matrix.folder + "/spans"
        let python = try await peer.startWorker(pool: .threads, concurrency: 2, queues: ["celery"])
        let driver = try await peer.startDriver()
        let relay = TaskHandler("tasks.relay") { context in
            let add = TaskDefinition<Int, Int, Int>("tasks.add")
            try await context.send(add(1, 2), options: SendOptions(queue: "celery"))
            return .null
        }
        let worker = matrix.app.worker(queues: ["swift"], concurrency: 4) {
            MatrixTasks.handlers
            relay
        }
        let site = TraceSite(app: matrix.app, driver: driver, tracer: tracer, folder: matrix.folder)
        try await withRunning(worker) { try await body(site) }
        await driver.stop()
        await python.stop()
        await matrix.close()
    }
}

extension MatrixTransport {
    /// The transports with a server and stored results.
    fileprivate static var servers: [MatrixTransport] { available.filter { $0 == .redis || $0 == .rabbitRedis } }
}

/// An application in both languages, and the spans of all its processes.
private struct TraceSite: Sendable {
    struct Span: Sendable, Hashable {
        let name: String
        let side: String
        let trace: String
        let span: String
        let parent: String?
    }

    let app: CeleryApp
    let driver: PythonDriver
    let tracer: TraceRecorder
    let folder: String

    /// The signature of an addition to what comes before, in the driver's form.
    func add(_ number: Int64, on queue: String) -> WireValue {
        let isFirst = number == 1
        let arguments: WireValue = isFirst ? [.int(number), 1] : [.int(number)]
        return ["task": "tasks.add", "args": arguments, "options": ["queue": .string(queue)]]
    }

    /// The signature of a number and itself, added.
    func pair(_ number: Int64, on queue: String) -> WireValue {
        ["task": "tasks.add", "args": [.int(number), .int(number)], "options": ["queue": .string(queue)]]
    }

    /// All spans of a trace that have ended, in whichever process.
    private func spans(in trace: String) throws -> [Span] {
        var spans = tracer.spans.map {
            Span(
                name: $0.operationName, side: "swift", trace: $0.identity.trace, span: $0.identity.span,
                parent: $0.parent?.span)
        }
        for file in try FileManager.default.contentsOfDirectory(atPath: folder) where file.hasPrefix("spans.") {
            let data = FileManager.default.contents(atPath: "\(folder)/\(file)") ?? Data()
            // The last line may be half written.
            for line in data.split(separator: UInt8(ascii: "\n")) {
                guard let object = try? WireJSON.decode(Array(line)), let name = object["name"]?.stringValue,
                    let trace = object["trace"]?.stringValue, let span = object["span"]?.stringValue
                else { continue }
                spans.append(
                    Span(name: name, side: "python", trace: trace, span: span, parent: object["parent"]?.stringValue))
            }
        }
        return spans.filter { $0.trace == trace }
    }

    /// Waits until so many runs of a trace have ended, and whatever they are within, and returns the names of the run that
    /// is within most others and of those, from the inside out.
    func lineage(ofRun count: Int, in trace: String) async throws -> [String] {
        var longest: [String] = []
        try await until {
            let spans = try spans(in: trace)
            let byID = Dictionary(spans.map { ($0.span, $0) }) { $1 }
            let runs = spans.filter { $0.name.hasPrefix("run/") }
            guard runs.count >= count else { return false }
            let paths = runs.map { run in
                var (path, next) = ([String](), Optional(run))
                while let span = next {
                    path.append("\(span.name) \(span.side)")
                    next = span.parent.flatMap { byID[$0] }
                }
                return path
            }
            longest = paths.max { $0.count < $1.count } ?? []
            return paths.allSatisfy { $0.last?.hasPrefix("root ") == true }
        }
        return longest
    }
}
