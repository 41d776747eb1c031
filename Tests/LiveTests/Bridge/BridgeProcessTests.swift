#if Redis
import Celeriac
import CeleriacTestKit
import CeleriacWire
import Foundation
import NIOConcurrencyHelpers
import Testing

/// Bridges in processes of their own: killed, reloaded, asked and steered.
@Suite("Bridge processes", .serialized)
struct BridgeProcessTests {
    private static let add = TaskDefinition<Int, Int, Int>("add")

    private static func write(_ text: String, _ folder: TemporaryFolder) throws -> String {
        let path = folder.path + "/bridge.yaml"
        try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
        return path
    }

    @Test(
        "two bridges that are killed in turn lose no task", .timeLimit(.minutes(10)),
        arguments: BridgeSite.Transport.available)
    func killedBridgesLoseNothing(_ transport: BridgeSite.Transport) async throws {
        let (count, inFlight, kills) = (300, 16, 3)
        let site = try await BridgeSite(transport, visibilityTimeout: 2)
        let folder = try TemporaryFolder("bridge")
        defer { folder.remove() }
        let file = try Self.write(
            site.ends + """
                routes:
                  - {name: to-python, from: go, to: python, in_flight: \(inFlight), pending: 50, rate: 200}
                """, folder)
        let celery = try site.celery()
        let runs = NIOLockedValueBox(0)
        let worker = celery.worker(WorkerConfiguration(queues: ["celery"])) {
            Self.add.handler { left, right in
                runs.withLockedValue { $0 += 1 }
                return left + right
            }
        }
        try await withRunning(worker) {
            var bridges = [try await BridgeProcess.start(file), try await BridgeProcess.start(file)]
            var results: [AsyncResult<Int>] = []
            for number in 0..<count { results.append(try await site.machinery.send(Self.add(number, 1))) }
            for kill in 1...kills {
                await until { runs.withLockedValue { $0 } >= kill * count / (kills + 2) }
                await bridges[0].child.kill()
                bridges = [bridges[1], try await BridgeProcess.start(file)]
            }
            for (number, result) in results.enumerated() {
                let sum = try await result.get(timeout: .seconds(300))
                #expect(sum == number + 1)
            }
            for bridge in bridges { #expect(await bridge.stop() == .exited(0), "\(bridge.logged)") }
        }
        // What a bridge held when it was killed may have been forwarded once more.
        #expect(runs.withLockedValue { $0 } <= count + kills * inFlight)
        await celery.close()
        await site.machinery.close()
    }

    @Test(
        "a bridge knows what one was told that was killed", .timeLimit(.minutes(5)),
        arguments: BridgeSite.Transport.available)
    func revocationOutlivesItsBridge(_ transport: BridgeSite.Transport) async throws {
        let site = try await BridgeSite(transport, visibilityTimeout: 600)
        let folder = try TemporaryFolder("bridge")
        defer { folder.remove() }
        func routes(isPaused: Bool) throws -> String {
            let route = "routes:\n  - {name: to-go, from: python, to: go, paused: \(isPaused)}\n"
            return try Self.write(site.ends + route, folder)
        }
        let celery = try site.celery()
        let result = try await celery.send(Self.add(2, 3))
        let killed = try await BridgeProcess.start(routes(isPaused: true))
        let driver = try await site.python.startDriver()
        try await until { try await driver.ping().contains { $0.objectValue?.keys.first != nil } }
        _ = try await driver.ask("revoke", ["ids": [.string(result.id)]])
        let expected: WireValue = [.string(result.id)]
        try await until {
            let known = try await driver.inspect("revoked", timeout: .seconds(5))
            return known.objectValue?.contains { $0.value == expected } ?? false
        }
        await killed.child.kill()
        // There is no worker of Celery's that could tell.
        let next = try await BridgeProcess.start(routes(isPaused: false))
        let error = await #expect(throws: RemoteTaskError.self) { try await result.get(timeout: .seconds(60)) }
        #expect(error?.type == "TaskRevokedError")
        #expect(await next.stop() == .exited(0), "\(next.logged)")
        await driver.stop()
        await celery.close()
        await site.machinery.close()
    }

    @Test("a file that changes opens and closes routes, and a bad one does nothing", .timeLimit(.minutes(5)))
    func reloads() async throws {
        let site = try await BridgeSite(.redis)
        let folder = try TemporaryFolder("bridge")
        defer { folder.remove() }
        let one = "routes:\n  - {name: one, from: go, to: python, source_queue: one}\n"
        let file = try Self.write(site.ends + one, folder)
        let bridge = try await BridgeProcess.start(file)
        _ = try Self.write(site.ends + one + "  - {name: two, from: go, to: python}\n", folder)
        bridge.child.signal(SIGHUP)
        try await bridge.logs("a route is open", times: 2)
        _ = try Self.write(site.ends + "routes: [", folder)
        bridge.child.signal(SIGHUP)
        try await bridge.logs("the bridge goes on with what it has")
        // The route that came works.
        let celery = try site.celery()
        let worker = celery.worker(WorkerConfiguration(queues: ["celery"])) { Self.add.handler { $0 + $1 } }
        try await withRunning(worker) {
            let sum = try await site.machinery.send(Self.add(2, 3)).get(timeout: .seconds(60))
            #expect(sum == 5)
        }
        // A changed file is seen without a signal.
        _ = try Self.write(site.ends + one, folder)
        try await bridge.logs("closed=two")
        #expect(await bridge.stop() == .exited(0), "\(bridge.logged)")
        await celery.close()
        await site.machinery.close()
    }

    @Test(
        "Python's remote control and the command ask and steer it", .timeLimit(.minutes(5)),
        arguments: BridgeSite.Transport.available)
    func answersOperators(_ transport: BridgeSite.Transport) async throws {
        let site = try await BridgeSite(transport)
        let folder = try TemporaryFolder("bridge")
        defer { folder.remove() }
        let file = try Self.write(site.ends + "routes:\n  - {name: to-python, from: go, to: python}\n", folder)
        let bridge = try await BridgeProcess.start(file)
        let driver = try await site.python.startDriver()
        // It listens a moment after its routes are open.
        try await until { try await driver.ping().contains { $0.objectValue?.keys.first != nil } }
        let stats = try await driver.inspect("stats", timeout: .seconds(5))
        let name = try #require(stats.objectValue?.keys.first)
        #expect(name.hasPrefix("celeriac-bridge-"))
        #expect(stats[name]?["bridge"]?["to-python"]?["state"] == "open")
        let queues = try await driver.inspect("active_queues", timeout: .seconds(5))
        #expect(queues[name]?.arrayValue?.first?["name"] == "machinery_tasks")

        let paused = try await BridgeProcess.run("pause", file, "to-python", "--json", in: folder)
        #expect(paused.status == .exited(0), "\(paused.output)")
        #expect(paused.output.contains("\"paused\""))
        let drained = try await BridgeProcess.run("drain", file, in: folder)
        #expect(drained.status == .exited(0), "\(drained.output)")
        #expect(drained.output.contains(" drained "))
        let resumed = try await BridgeProcess.run("resume", file, in: folder)
        #expect(resumed.output.contains(" open "))
        let unknown = try await BridgeProcess.run("status", file, "none", in: folder)
        #expect(unknown.status == .exited(1), "\(unknown.output)")

        // Celery's own command closes the route by its queue.
        _ = try await driver.ask(
            "control", ["command": "cancel_consumer", "arguments": ["queue": "machinery_tasks"], "timeout": 2])
        let status = try await BridgeProcess.run("status", file, in: folder)
        #expect(status.output.hasPrefix("BRIDGE") && status.output.contains(" paused "), "\(status.output)")
        #expect(await bridge.stop() == .exited(0), "\(bridge.logged)")
        let gone = try await BridgeProcess.run("status", file, "-t", "0.5", in: folder)
        #expect(gone.status == .exited(69), "\(gone.output)")
        await driver.stop()
        await site.machinery.close()
    }

    @Test("the command says where a mistake is", .timeLimit(.minutes(1)))
    func mistakesHaveTheirPlace() async throws {
        let folder = try TemporaryFolder("bridge")
        defer { folder.remove() }
        let file = try Self.write(
            """
            ends:
              a: {dialect: celery, broker: "redis://localhost/0"}
            routes:
              - {name: r, from: a, to: b}
            """, folder)
        let checked = try await BridgeProcess.run("check", file, in: folder)
        #expect(checked.status == .exited(1))
        #expect(checked.output.hasPrefix("\(file):4:24: the route 'r' leads to 'b'"), "\(checked.output)")
        let schema = try await BridgeProcess.run("schema", in: folder)
        #expect(schema.status == .exited(0))
        let value = try WireJSON.decode(Array(schema.output.utf8))
        #expect(value["properties"]?["routes"] != nil)
    }
}
#endif
