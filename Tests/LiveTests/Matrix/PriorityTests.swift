import Celeriac
import CeleriacTestKit
import CeleriacWire
import Testing

/// Priorities between Swift and Python, which no cell of an interop file can have: the worker must start once all messages
/// are there.
@Suite("Priorities", .timeLimit(.minutes(5)))
struct PriorityTests {
    private static let priorities: [UInt8] = [3, 9, 0, 6]

    /// Redis serves small ones first, RabbitMQ great ones. A folder has none.
    private func served(on transport: MatrixTransport) -> [String] {
        transport == .redis ? ["0", "3", "6", "9"] : ["9", "6", "3", "0"]
    }

    @Test(
        "a Swift worker serves what Python has sent in their order",
        arguments: MatrixTransport.available.filter { $0 != .filesystem })
    func pythonToSwift(_ transport: MatrixTransport) async throws {
        let site = try await MatrixSite(transport)
        let driver = try await site.python.startDriver()
        let path = site.folder + "/priorities-by-swift"
        for priority in Self.priorities {
            _ = try await driver.send(
                "tasks.record", [.string(path), .string("\(priority)")],
                options: ["priority": .int(Int64(priority)), "queue": "priorities"])
        }
        let worker = site.app.worker(queues: ["priorities"], concurrency: 1) { MatrixTasks.handlers }
        try await withRunning(worker) {
            await until { recorded(path).count == Self.priorities.count }
        }
        #expect(recorded(path) == served(on: transport))
        await driver.stop()
        await site.close()
    }

    @Test(
        "a Python worker serves what Swift has sent in their order",
        arguments: MatrixTransport.available.filter { $0 != .filesystem })
    func swiftToPython(_ transport: MatrixTransport) async throws {
        let site = try await MatrixSite(transport)
        let path = site.folder + "/priorities-by-python"
        for priority in Self.priorities {
            try await site.app.send(
                MatrixTasks.record(path, "\(priority)", 0), priority: priority, queue: "priorities")
        }
        let worker = try await site.python.startWorker(queues: ["priorities"])
        await until { recorded(path).count == Self.priorities.count }
        await worker.stop()
        #expect(recorded(path) == served(on: transport))
        await site.close()
    }
}
