import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleryWire
import Logging

/// An application on a broker and a result store in this process. The store does not count the parts of chords, so a
/// `celery.chord_unlock` polls each chord.
struct WorkflowSite: Sendable {
    static let add = TaskDefinition<Int, Int, Int>("tasks.add")
    static let double = TaskDefinition<Int, Int>("tasks.double")
    static let sum = TaskDefinition<[Int], Int>("tasks.sum")
    static let fail = TaskDefinition<String, Int>("tasks.fail")

    let app: CeleryApp
    let broker = MemoryBroker()
    let store: any ResultStore

    init(results: (any ResultStore)? = nil, change: (inout CeleryConfiguration) -> Void = { _ in }) {
        var configuration = CeleryConfiguration()
        configuration.chordRetryInterval = .milliseconds(5)
        configuration.control.isEnabled = false
        change(&configuration)
        store = results ?? MemoryResultStore()
        app = CeleryApp(
            broker: broker, results: store, configuration: configuration,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Runs a worker that has the tasks above, and more, while `body` runs.
    func serves(
        _ settings: WorkerConfiguration = WorkerConfiguration(queues: ["celery"]), _ more: [TaskHandler] = [],
        during body: () async throws -> Void
    ) async throws {
        let worker = app.worker(settings) {
            Self.add.handler { $0 + $1 }
            Self.double.handler { 2 * $0 }
            Self.sum.handler { $0.reduce(0, +) }
            Self.fail.handler { text in throw TaskFailure("ValueError", text) }
            more
        }
        try await withRunning(worker, body)
        await app.close()
    }

    /// Publishes a task with exactly the bytes of its message.
    func publish(_ message: CeleryTaskMessage, queue: String = "celery") async throws {
        try await broker.publish([OutgoingMessage(message: try message.encode(), routingKey: queue)])
    }

    /// The failure of a task.
    func failure(of id: String) async throws -> RemoteTaskError? {
        let result: AsyncResult<WireValue> = app.result(id)
        do {
            _ = try await result.get(timeout: .seconds(120))
            return nil
        } catch let error as RemoteTaskError {
            return error
        }
    }
}
