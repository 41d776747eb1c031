import Celeriac
import CeleriacBridge
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import CeleryWire
import MachineryWire
import NIOConcurrencyHelpers
import TestSupport
import Testing

/// In what order messages cross, and how fast.
@Suite(.timeLimit(.minutes(2))) struct PaceTests {
    private static func send(_ count: Int, _ bench: BridgeBench) async throws {
        for number in 0..<count {
            try await bench.machinery.send(MachinerySignature(uuid: "task_\(number)", name: "add", args: []))
        }
    }

    @Test func oneBridgeKeepsTheOrder() async throws {
        let bench = try BridgeBench()
        try await Self.send(40, bench)
        let bridge = bench.toCelery { $0.inFlight = 7 }
        try await withBridge(bridge) { await until { bridge.status["to-celery"]?.forwarded == 40 } }
        let consumer = try await bench.celeryBroker.consume(
            ConsumerOptions(queues: ["celery"], prefetch: 40, nodeName: "test"))
        var ids: [String] = []
        while ids.count < 40 {
            for delivery in try await consumer.next(atMost: 40) {
                ids.append(try CeleryTaskMessage.decode(delivery.content.get(), accept: [.json]).id)
            }
        }
        try await consumer.close()
        #expect(ids == (0..<40).map { "\($0)" })
    }

    @Test func rateIsKept() async throws {
        let bench = try BridgeBench()
        let timers = VirtualTimers()
        let app = CeleryApp(
            broker: bench.celeryBroker, results: bench.celeryResults, configuration: CeleryConfiguration(),
            timeSource: timers)
        var route = BridgeRoute.toCelery
        route.rate = RateLimit(2)
        let target = BridgeEnd(.celery, client: app.client, notes: bench.notes, defaultQueue: "celery")
        let bridge = Bridge(
            [(route, bench.machineryEnd, target)], nodeName: "bridge", closesEnds: false, logger: BridgeBench.logger)
        try await Self.send(6, bench)
        let advanced = NIOLockedValueBox(0)
        try await withBridge(bridge) {
            await until { bridge.status["to-celery"]?.forwarded == 2 }
            await until {
                if bridge.status["to-celery"]?.forwarded == 6 { return true }
                timers.advance(by: .milliseconds(50))
                advanced.withLockedValue { $0 += 50 }
                return false
            }
        }
        // Two at once, and then two a second.
        #expect(advanced.withLockedValue { $0 } >= 2000)
    }

    /// Tests that a bridge which is to wait for longer than any clock can say lets one message pass, and can be stopped.
    @Test func theLowestRateIsAPause() async throws {
        let bench = try BridgeBench()
        let rate = try #require(RateLimit(Double.leastNonzeroMagnitude))
        try await Self.send(3, bench)
        let bridge = bench.toCelery { $0.rate = rate }
        try await withBridge(bridge) { await until { bridge.status["to-celery"]?.forwarded == 1 } }
        let left = try await bench.machineryBroker.depth(of: "machinery_tasks")
        #expect(left == 2)
    }

    @Test func healthIsAnsweredOverHTTP() async throws {
        let bench = try BridgeBench()
        let bridge = bench.toCelery()
        try await withBridge(bridge) {
            try await BridgeHealth(bridge).answeringHealthChecks(
                at: HealthEndpoint(port: 0), logger: BridgeBench.logger
            ) { endpoint in
                let port = try #require(endpoint?.port)
                for question in ["live", "ready"] {
                    let connection = try await RawConnection.open(port: port)
                    try await connection.send("GET /\(question) HTTP/1.1\r\nConnection: close\r\n\r\n")
                    let reply = try HTTPReply(await connection.end())
                    #expect(reply.status == 200, "\(reply.body)")
                }
            }
        }
    }
}
