#if AMQP && Redis
import Celeriac
import CeleriacTestKit
import Logging
import NIOConcurrencyHelpers
import Testing

/// A dialect whose worker and sender tests connect to different addresses.
enum DialectUnderTest: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case celery = "Celery"
    case machinery = "Machinery"

    var testDescription: String { rawValue }

    var queue: String {
        switch self {
        case .celery: "celery"
        case .machinery: "machinery_tasks"
        }
    }

    /// The applications of a worker and a sender.
    ///
    /// - Parameters:
    ///   - worker: the worker's broker.
    ///   - sender: the sender's broker.
    ///   - results: the store of both; nil for a Redis of its own.
    ///   - workerResults: the worker's address of that store, if it is another.
    ///   - concurrency: how many tasks the worker runs at once.
    ///   - prefetch: how many messages it holds for each of them.
    ///   - logger: the logger of both.
    /// - Returns: the applications.
    /// - Throws: an error if an address cannot be used.
    func site(
        worker: String, sender: String, results: String? = nil, workerResults: String? = nil, concurrency: Int = 4,
        prefetch: Int = 4, logger: Logger
    ) async throws -> FieldSite {
        var results = results ?? ""
        if results.isEmpty { results = try await SharedServers.shared.redisDatabaseURL() }
        let addresses = [(worker, workerResults ?? results), (sender, results)]
        switch self {
        case .celery:
            let apps = try addresses.map { try CeleryApp(broker: $0, results: $1, logger: logger) }
            return FieldSite(
                app: apps[1], queue: queue,
                worker: { handlers in
                    apps[0].worker(
                        WorkerConfiguration(
                            queues: ["celery"], concurrency: concurrency, prefetchMultiplier: prefetch)
                    ) { handlers }
                },
                close: { for app in apps { await app.close() } })
        case .machinery:
            let apps = try addresses.map { broker, results in
                try MachineryServer(
                    configuration: MachineryConfiguration(
                        broker: broker, resultBackend: results,
                        amqp: MachineryAMQPOptions(prefetchCount: concurrency * prefetch)),
                    logger: logger)
            }
            return FieldSite(
                app: apps[1], queue: queue,
                worker: { handlers in apps[0].worker(consumerTag: "test", concurrency: concurrency) { handlers } },
                close: { for app in apps { await app.close() } })
        }
    }
}

/// The applications of a worker and a sender.
struct FieldSite: Sendable {
    let app: any TaskSender
    let queue: String
    let worker: @Sendable ([TaskHandler]) -> TaskWorker
    let close: @Sendable () async -> Void
}

/// How often each task has begun.
final class Runs: Sendable {
    private let counts = NIOLockedValueBox<[Int: Int]>([:])

    /// - Returns: whether it is the task's first run.
    @discardableResult func add(_ number: Int) -> Bool {
        counts.withLockedValue { counts in
            counts[number, default: 0] += 1
            return counts[number] == 1
        }
    }

    var total: Int { counts.withLockedValue { $0.values.reduce(0, +) } }
    var repeated: [Int] { counts.withLockedValue { $0.filter { $0.value > 1 }.keys.sorted() } }
}
#endif
