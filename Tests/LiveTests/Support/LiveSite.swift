import Celeriac
import CeleriacTestKit

/// A broker of a test's own, which it may restart and look into, with a Swift application of one dialect beside it.
protocol LiveSite: Sendable {
    associatedtype App: TaskSender
    var app: App { get }
    /// The dialect's name, for workers in processes of their own.
    var dialect: String { get }
    var broker: String { get }
    var results: String { get }
    var folder: TemporaryFolder { get }
    /// In seconds.
    var visibilityTimeout: Double { get }
    /// Whether results outlive a restart of the broker.
    var keepsResults: Bool { get }
    /// How many of many messages a worker in a process of its own holds.
    var window: Int { get }

    /// Runs a worker in this process that runs four of ``MatrixTasks`` at once, while `body` runs.
    func withWorker(_ body: @Sendable () async throws -> Void) async throws

    /// Who ran a task, as the worker that ``startOtherWorker()`` starts writes it.
    var otherWorker: String { get }

    /// Starts a worker of another kind, or where there is none another one, in a process of its own.
    ///
    /// - Returns: what ends it.
    func startOtherWorker() async throws -> @Sendable () async -> Void

    /// Restarts the broker; what it had stored stays.
    func restart() async throws

    /// How many messages are in the default queue, and how many are claimed and not settled.
    func messages() async throws -> (waiting: Int, unsettled: Int)

    func close() async
}
