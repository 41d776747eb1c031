import CeleriacTestKit
import CeleriacWire
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import CeleriacCore

/// Health checks over HTTP, by real sockets.
@Suite("Health checks over HTTP", .timeLimit(.minutes(5))) struct HealthServerTests {
    /// A thread that a test may block. It lasts as long as the process.
    private static let ownGroup = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// A consumer or a store whose server does as the test says.
    private final class Server: Sendable, HealthChecked {
        enum Mood: Sendable { case well, away, frozen }
        private let mood = NIOLockedValueBox(Mood.well)
        private let thawed = NIOLockedValueBox(Gate())

        func set(_ mood: Mood) {
            self.mood.withLockedValue { $0 = mood }
            if mood != .frozen { thawed.withLockedValue { $0 }.open() }
        }

        func checkHealth() async throws {
            switch mood.withLockedValue({ $0 }) {
            case .well: return
            case .away: throw CeleriacError(.unavailable, "redis://r does not answer")
            case .frozen: await thawed.withLockedValue { $0 }.wait()
            }
        }
    }

    private struct CheckedConsumer: MessageConsumer, HealthChecked {
        let server: Server

        func next(atMost limit: Int) async throws -> [Delivery] { [] }
        func settle(_ settlements: [Settlement]) async throws {}
        func stop() async {}
        func close() async throws {}
        func checkHealth() async throws { try await server.checkHealth() }
    }

    /// A server for a worker that does not exist.
    private struct Site {
        let broker = Server()
        let stopping = Gate()
        let health: WorkerHealth
        let server: HealthServer
        var port: Int { server.endpoint.port }

        init(
            limits: HealthServer.Limits = HealthServer.Limits(), metrics: (any MetricsPage)? = nil,
            loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next(), logger: Logger
        ) async throws {
            health = WorkerHealth(
                nodeName: "w@test", brokerName: "redis://r", store: nil, watch: nil, stopping: stopping,
                executor: EventLoopTaskExecutor(loop))
            server = try await HealthServer.start(
                HealthEndpoint(port: 0), of: health, metrics: metrics, limits: limits, logger: logger)
        }

        func consume() { health.consumes(by: CheckedConsumer(server: broker)) }

        func get(_ path: String) async throws -> HTTPReply { try await HTTPReply.of("GET", path, port: port) }
    }

    @Test("/ready follows the worker, /live does not mind")
    func ready() async throws {
        let site = try await Site(logger: logger)
        func expect(_ status: Int, _ reason: String?) async throws {
            let live = try await site.get("/live")
            #expect(live.status == 200 && live.json == ["live": true, "worker": "w@test", "reasons": []])
            let ready = try await site.get("/ready")
            #expect(ready.status == status && ready.json["ready"]?.boolValue == (status == 200), "\(ready.body)")
            #expect(ready.head.contains("Content-Type: application/json") && ready.json["worker"] == "w@test")
            #expect(ready.reasons == (reason.map { [$0] } ?? []))
        }
        try await expect(503, "the worker does not consume yet: it has not reached redis://r")
        site.consume()
        try await expect(200, nil)
        site.broker.set(.away)
        // An answer holds for a moment.
        try await until { try await site.get("/ready").status == 503 }
        try await expect(503, "redis://r does not answer")
        site.broker.set(.well)
        try await until { try await site.get("/ready").status == 200 }
        site.stopping.open()
        try await expect(503, "the worker is stopping")
        await site.server.close()
        await #expect(throws: (any Error).self) { try await site.get("/live") }
    }

    @Test("a server that is frozen makes nobody wait for ever, and keeps no other check from its answer")
    func frozen() async throws {
        let site = try await Site(logger: logger)
        site.consume()
        site.broker.set(.frozen)
        try await withThrowingTaskGroup(of: HTTPReply.self) { group in
            for _ in 0..<8 { group.addTask { try await site.get("/ready") } }
            let live = try await site.get("/live")
            #expect(live.status == 200)
            for try await reply in group {
                #expect(reply.status == 503 && reply.reasons.first?.hasPrefix("redis://r has not answered for") == true)
            }
        }
        site.broker.set(.well)
        try await until { try await site.get("/ready").status == 200 }
        await site.server.close()
    }

    @Test("a loop that stands still is told of")
    func stuck() async throws {
        let loop = Self.ownGroup.next()
        var limits = HealthServer.Limits()
        limits.loopPatience = .milliseconds(1)
        let site = try await Site(limits: limits, loop: loop, logger: logger)
        let isFree = ConditionLock(value: 0)
        loop.execute {
            isFree.lock(whenValue: 1)
            isFree.unlock()
        }
        // At first the loop may just be about to answer.
        try await until { try await site.get("/live").reasons.contains { !$0.hasSuffix("for 0 s") } }
        let live = try await site.get("/live")
        #expect(live.status == 503 && live.json["live"] == false)
        #expect(live.reasons.first?.hasPrefix("the worker's loop has not run") == true)
        let ready = try await site.get("/ready")
        #expect(ready.status == 503)
        #expect(ready.reasons.first?.hasPrefix("the worker's loop has not run") == true)
        isFree.lock()
        isFree.unlock(withValue: 1)
        try await until { try await site.get("/live").status == 200 }
        await site.server.close()
    }

    @Test("other paths, other methods and what is no request are refused")
    func refusals() async throws {
        let site = try await Site(logger: logger)
        let port = site.port
        #expect(try await site.get("/live?verbose").status == 200)
        for path in ["/", "/live/", "/Live", "/ready/x", "/metrics", "//live", "/%6Cive"] {
            let reply = try await site.get(path)
            #expect(reply.status == 404 && reply.json["error"] != nil, "\(path)")
        }
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
            let reply = try await HTTPReply.of(method, "/ready", port: port)
            #expect(reply.status == 405 && reply.head.contains("Allow: GET, HEAD"), "\(method)")
        }
        let head = try await HTTPReply.of("HEAD", "/live", port: port)
        #expect(head.status == 200 && head.body.isEmpty && !head.head.contains("Content-Length: 0"))
        for text in ["nonsense\r\n\r\n", "GET\r\n\r\n", "\u{0}\u{1}\u{2}\r\n\r\n", "GET /live HTTP/9\r\n\r\n"] {
            let connection = try await RawConnection.open(port: port)
            try await connection.send(text)
            let bytes = await connection.end()
            let status = (try? HTTPReply(bytes))?.status
            #expect(bytes.isEmpty || status == 400, "\(text)")
        }
        #expect(try await site.get("/live").status == 200)
        await site.server.close()
    }

    private struct Page: MetricsPage {
        let contentType = "text/plain; version=0.0.4"

        func text() -> String { "n{label=\"é\"} 1\n" }
    }

    @Test("metrics are a page beside the checks, where there are some")
    func metrics() async throws {
        let site = try await Site(metrics: Page(), logger: logger)
        let page = try await site.get("/metrics?x=1")
        #expect(page.status == 200 && page.body == "n{label=\"é\"} 1\n")
        #expect(page.head.contains("Content-Type: text/plain; version=0.0.4"))
        #expect(page.head.contains("Content-Length: 16"))
        let head = try await HTTPReply.of("HEAD", "/metrics", port: site.port)
        #expect(head.status == 200 && head.body.isEmpty && head.head.contains("Content-Length: 16"))
        #expect(try await HTTPReply.of("POST", "/metrics", port: site.port).status == 405)
        let other = try await site.get("/metrics/x")
        #expect(other.status == 404 && other.json["error"] == "there are /live, /ready and /metrics")
        #expect(try await site.get("/live").status == 200)
        await site.server.close()
    }

    @Test("a connection gets one answer, and may send only so much")
    func size() async throws {
        var limits = HealthServer.Limits()
        limits.requestBytes = 2000
        let site = try await Site(limits: limits, logger: logger)
        let port = site.port
        let twice = try await RawConnection.open(port: port)
        try await twice.send("GET /live HTTP/1.1\r\n\r\nGET /live HTTP/1.1\r\n\r\n")
        let answers = String(decoding: await twice.end(), as: UTF8.self)
        #expect(answers.count(of: "HTTP/1.1 200 OK") == 1, "\(answers)")
        let large = try await RawConnection.open(port: port)
        try? await large.send("GET /live HTTP/1.1\r\nX: \(String(repeating: "x", count: 100_000))\r\n\r\n")
        let bytes = await large.end()
        // What the client sent in vain may cost it the answer.
        let status = (try? HTTPReply(bytes))?.status
        #expect(bytes.isEmpty || status == 431)
        let drip = try await RawConnection.open(port: port)
        try await drip.send("GET /live HTTP/1.1\r\n")
        while drip.isOpen {
            guard (try? await drip.send("X: \(String(repeating: "x", count: 90))\r\n")) != nil else { break }
        }
        #expect(try await site.get("/live").status == 200)
        await site.server.close()
    }

    @Test("clients that only hold connections keep nobody out, and lose them")
    func holders() async throws {
        var limits = HealthServer.Limits()
        limits.connections = 4
        limits.lifetime = .milliseconds(300)
        let site = try await Site(limits: limits, logger: logger)
        var silent: [RawConnection] = []
        for _ in 0..<12 { silent.append(try await RawConnection.open(port: site.port)) }
        #expect(try await site.get("/live").status == 200)
        #expect(site.server.connectionCount <= 4)
        let slow = try await RawConnection.open(port: site.port)
        try await slow.send("GET /li")
        for connection in silent + [slow] {
            let bytes = await connection.end()
            #expect(bytes.isEmpty)
        }
        await until { site.server.connectionCount == 0 }
        await site.server.close()
    }

    @Test("a port that is taken is an error of the configuration, which names it")
    func takenPort() async throws {
        let site = try await Site(logger: logger)
        let taken = HealthEndpoint(port: site.port)
        let worker = Bench().worker(configure: { $0.healthEndpoint = taken }, handlers: {})
        await #expect {
            try await worker.run()
        } throws: { error in
            let error = error as? CeleriacError
            return error?.code == .configuration && error?.message.contains("at \(taken)") == true
        }
        await #expect(throws: CeleriacError.self) { try await worker.ready() }
        await site.server.close()
    }
}

extension String {
    /// How often a text is in it.
    fileprivate func count(of text: String) -> Int { ranges(of: text).count }
}
