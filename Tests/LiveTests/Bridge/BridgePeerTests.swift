#if Redis
import Celeriac
import CeleriacTestKit
import CeleriacWire
import Foundation
import MachineryWire
import Testing

/// Tasks that cross the bridge between Machinery and real Python workers and producers.
@Suite("Bridge", .serialized)
struct BridgePeerTests {
    @Test(
        "Go's signatures run at a Python worker, and their types come back", .timeLimit(.minutes(5)),
        arguments: BridgeSite.Transport.available, BridgeSite.Transport.available)
    func signaturesRunInPython(_ transport: BridgeSite.Transport, _ goTransport: BridgeSite.Transport) async throws {
        let site = try await BridgeSite(transport, go: goTransport)
        let worker = try await site.python.startWorker(pool: .solo)
        let routes = """
            routes:
              - name: to-python
                from: go
                to: python
                tasks: {add: tasks.add, sum: tasks.sum_ints, fail: tasks.fail, later: tasks.add}
            """
        do {
            try await site.withBridge(routes) {
                func run<Value: Codable & Sendable>(
                    _ name: String, _ args: [MachineryArgument], _ type: Value.Type
                ) async throws -> Value {
                    let signature = MachinerySignature(name: name, args: args)
                    return try await site.machinery.send(signature, returning: type).get(timeout: .seconds(60))
                }
                let two = MachineryArgument(type: "int64", value: 2)
                #expect(try await run("add", [two, two], Int64.self) == 4)
                let most = MachineryArgument(type: "uint64", value: .number("18446744073709551614"))
                let one = MachineryArgument(type: "uint64", value: 1)
                #expect(try await run("add", [most, one], UInt64.self) == UInt64.max)
                let bytes = MachineryArgument(type: "[]byte", value: "/w==")
                #expect(try await run("add", [bytes, bytes], [UInt8].self) == [255, 255])
                let numbers = MachineryArgument(type: "[]int64", value: [1, 2, 3])
                #expect(try await run("sum", [numbers], Int64.self) == 6)
                let half = MachineryArgument(type: "float64", value: 0.5)
                #expect(try await run("add", [half, half], Double.self) == 1)
                let error = await #expect(throws: RemoteTaskError.self) {
                    _ = try await run(
                        "fail",
                        [
                            MachineryArgument(type: "string", value: "ValueError"),
                            MachineryArgument(type: "string", value: "boom"),
                        ], String.self)
                }
                #expect(error?.message == "ValueError: boom")
                let narrow = MachineryArgument(type: "int8", value: 3)
                var later = MachinerySignature(name: "add", args: [narrow, narrow])
                later.eta = GoTime(Date().addingTimeInterval(1))
                let result = try await site.machinery.send(later, returning: Int64.self)
                #expect(try await result.get(timeout: .seconds(60)) == 6)
            }
        } catch {
            await worker.stop()
            throw error
        }
        await worker.stop()
        await site.machinery.close()
    }

    @Test(
        "Python's tasks run at a Swift worker of Machinery", .timeLimit(.minutes(5)),
        arguments: BridgeSite.Transport.available, BridgeSite.Transport.available)
    func tasksRunInMachinery(_ transport: BridgeSite.Transport, _ goTransport: BridgeSite.Transport) async throws {
        let site = try await BridgeSite(transport, go: goTransport)
        let driver = try await site.python.startDriver()
        let worker = site.machinery.worker(consumerTag: "test", concurrency: 4) { MachineryTasks.all }
        let routes = """
            routes:
              - name: to-go
                from: python
                to: go
                tasks:
                  tasks.*: "*"
                  tasks.named: {to: add, parameters: [x, y]}
            """
        try await site.withBridge(routes) {
            try await withRunning(worker) {
                func run(
                    _ task: String, _ arguments: [WireValue], keywords: [String: WireValue] = [:]
                ) async throws -> PythonOutcome {
                    try await driver.get(try await driver.send("tasks." + task, arguments, keywords: keywords))
                }
                #expect(try await run("add", [2, 3]) == .success(5))
                let named = try await run("named", [2], keywords: ["y": 3])
                #expect(named == .success(5))
                let most = WireValue.number("18446744073709551615")
                #expect(try await run("echo_uint64", [most]) == .success(most))
                let bytes: WireValue = ["__type__": "bytes", "__value__": "hi"]
                #expect(try await run("echo_bytes", [bytes]) == .success(bytes))
                #expect(try await run("echo_float64", [1.5]) == .success(1.5))
                #expect(try await run("noresult", []) == .success(nil))
                let failed = try await run("fail_task", ["boom"])
                guard case .failure(_, let type, let module, _) = failed else {
                    Issue.record("the task did not fail: \(failed)")
                    return
                }
                #expect(type == "RuntimeError")
                #expect(module == "builtins")
                guard case .failure = try await run("echo_int64", [nil]) else {
                    Issue.record("null passed for a number")
                    return
                }
            }
        }
        await driver.stop()
        await site.machinery.close()
    }
}
#endif
