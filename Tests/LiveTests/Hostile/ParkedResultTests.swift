import CeleriacTestKit
import CeleriacWire
import Foundation
import Testing

@testable import Celeriac

/// What a Python client sees of tasks whose messages a Swift worker parks.
@Suite("Parked messages", .serialized)
struct ParkedResultTests {
    /// A transport with a Python client, a worker that serves the default queue, and one that finds every message of
    /// the queue `poison` begun too often.
    private struct Site: Sendable {
        let matrix: MatrixSite
        let driver: PythonDriver

        /// A task that is parked because it was begun too often.
        func poison(_ arguments: [WireValue], _ options: [String: WireValue] = [:]) -> PythonDriver.Message {
            PythonDriver.Message(
                "tasks.add", arguments, options: options.merging(["queue": "poison"]) { $1 })
        }

        /// Waits until a message is parked. It is the only one of its queue.
        func parked(in queue: String) async throws {
            let peer = matrix.app.broker
            switch matrix.transport {
            case .filesystem:
                let folder = matrix.folder + "/messages/\(queue).parked"
                await until { (try? FileManager.default.contentsOfDirectory(atPath: folder))?.isEmpty == false }
            case .redis, .rabbitRPC, .rabbitRedis:
                // The queue does not exist before.
                await until { (try? await peer.depth(of: "\(queue).parked")) == 1 }
            }
        }
    }

    private func run(
        _ transport: MatrixTransport, failsTasksOfUnacceptedContent: Bool = false,
        _ body: @Sendable (Site) async throws -> Void
    ) async throws {
        let matrix = try await MatrixSite(transport)
        let driver = try await matrix.python.startDriver()
        var configuration = WorkerConfiguration(queues: ["celery"], nodeName: "serving@test")
        configuration.failsTasksOfUnacceptedContent = failsTasksOfUnacceptedContent
        let serving = matrix.app.worker(configuration) { MatrixTasks.handlers }
        var poisoning = WorkerConfiguration(queues: ["poison"], nodeName: "poisoned@test", maximumAttempts: 0)
        poisoning.parksUnbegun = true
        let poisoned = matrix.app.worker(poisoning) { MatrixTasks.handlers }
        try await withRunning(serving) {
            try await withRunning(poisoned) { try await body(Site(matrix: matrix, driver: driver)) }
        }
        await driver.stop()
        await matrix.close()
    }

    private func fails(_ outcome: PythonOutcome, with type: String, in module: String) -> Bool {
        guard case .failure("FAILURE", let foundType, let foundModule, _) = outcome else { return false }
        return foundType == type && foundModule == module
    }

    @Test(
        "A task that was begun too often raises WorkerLostError, and its error callbacks run", .timeLimit(.minutes(5)),
        arguments: MatrixTransport.available)
    fileprivate func exhausted(_ transport: MatrixTransport) async throws {
        try await run(transport) { site in
            let told = site.matrix.folder + "/told"
            let errback: WireValue = [
                "task": "tasks.on_error", "args": [.string(told)], "kwargs": [:], "options": ["queue": "celery"],
            ]
            let message = site.poison([1, 2], ["link_error": [errback]])
            let id = try await site.driver.send(message.task, message.arguments, options: message.options)
            let outcome = try await site.driver.get(id, timeout: .seconds(60))
            #expect(fails(outcome, with: "WorkerLostError", in: "billiard.exceptions"), "\(outcome)")
            try await site.parked(in: "poison")
            await until { recorded(told) == [id] }
        }
    }

    @Test(
        "A chord with such a part fails, and so does what comes after a chain's step", .timeLimit(.minutes(5)),
        arguments: MatrixTransport.available.filter { $0 != .rabbitRPC })
    fileprivate func workflows(_ transport: MatrixTransport) async throws {
        try await run(transport) { site in
            func task(_ name: String, _ arguments: WireValue, _ queue: String) -> WireValue {
                ["task": .string(name), "args": arguments, "options": ["queue": .string(queue)]]
            }
            let chord: WireValue = [
                "chord": [task("tasks.add", [1, 1], "celery"), task("tasks.add", [2, 2], "poison")],
                "body": task("tasks.sum_ints", [], "celery"),
            ]
            let id = try #require(try await site.driver.ask("canvas", ["canvas": chord])["id"]?.stringValue)
            // The sender knows the header, and would raise the exception of the part.
            let reader = try await site.matrix.python.startDriver()
            let outcome = try await reader.get(id, timeout: .seconds(60))
            await reader.stop()
            #expect(fails(outcome, with: "ChordError", in: "celery.exceptions"), "\(outcome)")
            let chain: WireValue = [
                "chain": [task("tasks.add", [1, 1], "poison"), task("tasks.add", [2], "celery")]
            ]
            let last = try #require(try await site.driver.ask("canvas", ["canvas": chain])["id"]?.stringValue)
            try await until { try await site.driver.state(last) == "FAILURE" }
        }
    }

    @Test(
        "A body that cannot be read fails its task, if the headers say which", .timeLimit(.minutes(5)),
        arguments: MatrixTransport.available.filter { $0 != .rabbitRPC })
    fileprivate func undecodable(_ transport: MatrixTransport) async throws {
        try await run(transport) { site in
            let id = UUID().uuidString.lowercased()
            _ = try await site.driver.ask(
                "publish",
                [
                    "headers": ["task": "tasks.add", "id": .string(id)], "body": "[[1, 2], {}, ", "queue": "celery",
                ])
            let outcome = try await site.driver.get(id, timeout: .seconds(60))
            #expect(fails(outcome, with: "DecodeError", in: "kombu.exceptions"), "\(outcome)")
            try await site.parked(in: "celery")
        }
    }

    @Test(
        "A pickled body is parked without a failure, since a Python worker might run it; a setting changes that",
        .timeLimit(.minutes(5)), arguments: MatrixTransport.available, [false, true])
    fileprivate func pickle(_ transport: MatrixTransport, fails: Bool) async throws {
        try await run(transport, failsTasksOfUnacceptedContent: fails) { site in
            let id = try await site.driver.send("tasks.add", [1, 2], options: ["serializer": "pickle"])
            if fails {
                let outcome = try await site.driver.get(id, timeout: .seconds(60))
                #expect(self.fails(outcome, with: "ContentDisallowed", in: "kombu.exceptions"), "\(outcome)")
            }
            try await site.parked(in: "celery")
            let next = try await site.driver.send("tasks.add", [1, 2])
            #expect(try await site.driver.get(next) == .success(3))
            // A failure would have been stored by now: results of one worker are stored in their order.
            #expect(try await site.driver.state(id) == (fails ? "FAILURE" : "PENDING"))
        }
    }
}
