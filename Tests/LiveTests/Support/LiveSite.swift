import Celeriac
import CeleriacTestKit

/// A private broker that a test may restart and inspect, with a Swift application of one dialect.
protocol LiveSite: Sendable {
    associatedtype App: TaskSender
    var app: App { get }
    /// The dialect's name, for workers in separate processes.
    var dialect: String { get }
    var broker: String { get }
    var results: String { get }
    var folder: TemporaryFolder { get }
    /// The visibility timeout in seconds.
    var visibilityTimeout: Double { get }
    /// Whether results outlive a restart of the broker.
    var keepsResults: Bool { get }
    /// How many messages a worker in a separate process holds if there are enough.
    var window: Int { get }

    /// Runs a worker in this process while `body` runs. It runs four of ``MatrixTasks`` at once.
    func withWorker(_ body: @Sendable () async throws -> Void) async throws

    /// The name that the worker from ``startOtherWorker()`` records for the tasks that it ran.
    var otherWorker: String { get }

    /// Starts a worker of another kind, or if there is none another worker of the same kind, in a separate process.
    ///
    /// - Returns: a function that ends the worker.
    func startOtherWorker() async throws -> @Sendable () async -> Void

    /// The broker.
    var server: LiveServer { get }

    /// Restarts the broker, which keeps its stored data.
    func restart() async throws

    /// How many messages are in the default queue, and how many are claimed and not settled.
    func messages() async throws -> (waiting: Int, unsettled: Int)

    func close() async
}

extension LiveSite {
    func restart() async throws { try await server.restart() }
}
