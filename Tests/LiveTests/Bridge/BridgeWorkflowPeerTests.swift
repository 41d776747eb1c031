#if Redis
import Celeriac
import CeleriacTestKit
import CeleriacWire
import Foundation
import MachineryWire
import Testing

/// Workflows of Python's and Machinery's that have steps at the other side.
@Suite("Workflows across a bridge", .serialized)
struct BridgeWorkflowPeerTests {
    /// Python's tasks that run at Machinery workers have a queue of their own.
    private static let toGo = """
        routes:
          - name: to-go
            from: python
            to: go
            source_queue: go
            tasks: {tasks.*: "*"}
        """

    private static func step(_ task: String, _ args: [WireValue], queue: String) -> WireValue {
        ["task": .string("tasks." + task), "args": .array(args), "options": ["queue": .string(queue)]]
    }

    @Test("Python's chain and chord have steps in Machinery", .timeLimit(.minutes(5)))
    func stepsOfPythonRunInMachinery() async throws {
        let site = try await BridgeSite(.redis)
        let python = try await site.python.startWorker(pool: .threads)
        let driver = try await site.python.startDriver()
        let worker = site.machinery.worker(consumerTag: "test", concurrency: 4) { MachineryTasks.all }
        func outcome(_ canvas: WireValue) async throws -> PythonOutcome {
            let id = try #require(try await driver.ask("canvas", ["canvas": canvas])["id"]?.stringValue)
            return try await driver.get(id)
        }
        do {
            try await site.withBridge(Self.toGo) {
                try await withRunning(worker) {
                    let mixed: WireValue = [
                        "chain": [
                            Self.step("add", [1, 2], queue: "go"), Self.step("multiply", [10], queue: "celery"),
                            Self.step("add", [4], queue: "go"),
                        ]
                    ]
                    #expect(try await outcome(mixed) == .success(34))
                    // Without arguments of its own the second step runs in Machinery by itself.
                    let whole: WireValue = [
                        "chain": [Self.step("add", [1, 2], queue: "go"), Self.step("echo_int64", [], queue: "go")]
                    ]
                    #expect(try await outcome(whole) == .success(3))
                    let joined: WireValue = [
                        "chord": [
                            Self.step("add", [1, 2], queue: "go"), Self.step("add", [3, 4], queue: "celery"),
                            Self.step("multiply", [5, 6], queue: "go"),
                        ],
                        "body": Self.step("sum_ints", [], queue: "celery"),
                    ]
                    #expect(try await outcome(joined) == .success(40))
                    let broken: WireValue = [
                        "chord": [
                            Self.step("fail_task", ["boom"], queue: "go"), Self.step("add", [3, 4], queue: "celery"),
                        ],
                        "body": Self.step("sum_ints", [], queue: "celery"),
                    ]
                    guard case .failure = try await outcome(broken) else {
                        Issue.record("the chord did not fail")
                        return
                    }
                }
            }
        } catch {
            await python.stop()
            throw error
        }
        await driver.stop()
        await python.stop()
        await site.machinery.close()
    }

    @Test("Machinery's chain and chord have steps in Python", .timeLimit(.minutes(5)))
    func stepsOfMachineryRunInPython() async throws {
        let site = try await BridgeSite(.redis)
        let python = try await site.python.startWorker(pool: .threads)
        let worker = site.machinery.worker(consumerTag: "test", concurrency: 4) { MachineryTasks.all }
        let routes = """
            routes:
              - {name: to-python, from: go, to: python, source_queue: python, tasks: {"py_*": "tasks.*"}}
            """
        func step(_ name: String, _ values: [Int64], queue: String = "") -> MachinerySignature {
            var signature = MachinerySignature(
                name: name, args: values.map { MachineryArgument(type: "int64", value: .int($0)) })
            signature.routingKey = queue
            return signature
        }
        do {
            try await site.withBridge(routes) {
                try await withRunning(worker) {
                    let chain = try await site.machinery.send(
                        MachineryChain([
                            step("py_add", [1, 2], queue: "python"), step("multiply", [10]),
                            step("py_add", [4], queue: "python"),
                        ]))
                    let last = try #require(chain.last)
                    #expect(try await last.get(timeout: .seconds(60)) == 34)
                    let group = MachineryGroup([
                        step("py_add", [1, 2], queue: "python"), step("add", [3, 4]),
                        step("py_multiply", [5, 6], queue: "python"),
                    ])
                    let chord = try await site.machinery.send(MachineryChord(group, callback: step("add", [])))
                    #expect(try await chord.callback.get(timeout: .seconds(60)) == 40)
                }
            }
        } catch {
            await python.stop()
            throw error
        }
        await python.stop()
        await site.machinery.close()
    }
}
#endif
