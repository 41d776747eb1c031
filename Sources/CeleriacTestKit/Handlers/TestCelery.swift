public import Celeriac
public import CeleriacCore
import CeleriacWire
import Foundation
import NIOConcurrencyHelpers

/// A Celery application whose broker, results and time are in the test.
///
/// ```swift
/// let celery = TestCelery()
/// try await withRunning(celery.worker { Tasks.add.handler { x, y in x + y } }) {
///     let result = try await celery.app.send(Tasks.add(2, 3), countdown: .seconds(3600))
///     try await celery.drain(within: .seconds(3600))
///     #expect(try await result.get() == 5)
///     #expect(try celery.hasSent(Tasks.add(2, 3)))
/// }
/// ```
///
/// Countdowns, retries, limits and timeouts count in ``time``, which passes only by ``drain(within:)``, ``skip(_:)`` and its
/// own methods. Handlers that sleep by themselves do so in the real time.
public final class TestCelery: Sendable {
    /// The application.
    public let app: CeleryApp
    /// Its broker.
    public let broker: MemoryBroker
    /// Its result store.
    public let results: MemoryResultStore
    /// Its time.
    public let time: VirtualTimers
    private let notes: NotingBroker
    private let gauges = NIOLockedValueBox<[WorkGauge]>([])

    /// Makes an application. Workers have no remote control, which needs a broker that others reach.
    public init(configuration: CeleryConfiguration = CeleryConfiguration()) {
        var configuration = configuration
        configuration.control.isEnabled = false
        let (broker, results, time) = (MemoryBroker(), MemoryResultStore(), VirtualTimers())
        let notes = NotingBroker(base: broker)
        (self.broker, self.results, self.time, self.notes) = (broker, results, time, notes)
        app = CeleryApp(broker: notes, results: results, configuration: configuration, timeSource: time)
    }

    /// Makes a worker of the application for ``drain(within:)`` to watch. Run it with ``withRunning(_:_:)``.
    ///
    /// - Parameters:
    ///   - settings: the worker's settings; nil for those of a worker of the application's default queue.
    ///   - handlers: the handlers of the tasks that the worker serves.
    /// - Returns: the worker, not yet running.
    public func worker(
        _ settings: WorkerConfiguration? = nil, @TaskHandlerBuilder handlers: () -> [TaskHandler]
    ) -> TaskWorker {
        var settings = settings ?? WorkerConfiguration(queues: [TaskQueue(app.configuration.defaultQueue)])
        let gauge = WorkGauge()
        settings.parts.append(gauge)
        gauges.withLockedValue { $0.append(gauge) }
        return app.worker(settings, handlers: handlers)
    }

    // MARK: What was sent

    /// What has been published so far, in order: tasks, retries, and the later tasks of workflows.
    public var sent: [TaskRequest] { app.client.requests(in: notes.published) }

    /// Whether a task was sent with just these arguments.
    ///
    /// - Throws: `CeleriacError` with code `argumentMismatch` or `unsupported` for a task that cannot be sent.
    public func hasSent<Value>(_ signature: Signature<Value>) throws -> Bool {
        let wanted = try app.client.request(of: signature)
        return sent.contains {
            $0.name == wanted.name && $0.arguments == wanted.arguments && $0.keywordArguments == wanted.keywordArguments
        }
    }

    // MARK: Time

    /// Waits until the workers that run have done all that they can do now.
    ///
    /// - Parameter limit: how much time may pass so that also what waits for its time, or for its turn under a rate limit,
    ///   is done. By default none passes.
    /// - Throws: ``TestKitError`` with code `noWorker` if no worker of ``worker(_:handlers:)`` runs.
    public func drain(within limit: Duration = .zero) async throws {
        let end = time.now.addingTimeInterval(limit.seconds)
        try await settle()
        while waitingCount > 0, time.advanceToNextTimer(by: end) { try await settle() }
    }

    /// Has time pass, and waits until the workers that run have done, at its time, all that they had to do meanwhile.
    ///
    /// - Throws: as ``drain(within:)``.
    public func skip(_ duration: Duration) async throws {
        try await settle()
        let end = time.now.addingTimeInterval(duration.seconds)
        while time.advanceToNextTimer(by: end) { try await settle() }
        time.advance(by: .seconds(end.timeIntervalSince(time.now)))
    }

    private var waitingCount: Int { gauges.withLockedValue { $0 }.reduce(0) { $0 + $1.waitingCount } }

    /// Waits until all that workers hold waits for a later time.
    private func settle() async throws {
        try await until {
            let running = gauges.withLockedValue { $0 }.filter(\.isRunning)
            if running.isEmpty {
                throw TestKitError(.noWorker, "no worker of this TestCelery runs: begin one with withRunning")
            }
            let load = broker.load(of: Set(running.flatMap(\.queues)))
            let waiting = running.reduce(0) { $0 + $1.waitingCount }
            let unfinished = running.reduce(0) { $0 + $1.unfinishedCount }
            return load.waiting == 0 && load.unsettled == waiting && unfinished == waiting
        }
    }
}

/// A broker that notes what is published.
private final class NotingBroker: WrappingBroker {
    let base: any MessageBroker
    private let notes = NIOLockedValueBox<[OutgoingMessage]>([])

    init(base: any MessageBroker) { self.base = base }

    /// What was published, in order.
    var published: [OutgoingMessage] { notes.withLockedValue { $0 } }

    func publish(_ messages: [OutgoingMessage]) async throws {
        // Before a worker can have taken it.
        notes.withLockedValue { $0 += messages }
        try await base.publish(messages)
    }

    func close() async { await base.close() }
}

/// Knows how much a worker has to do.
private final class WorkGauge: WorkerPart, WorkerObserver {
    private struct State {
        var worker: WorkerControl?
        /// Tasks that the worker has received and not ended, and how many messages of each.
        var unfinished: [String: Int] = [:]
    }
    private let state = NIOLockedValueBox(State())
    private let hasBegun = Gate()

    var reachable: Gate? { hasBegun }
    var observer: (any WorkerObserver)? { self }
    var isListening: Bool { true }
    var isRunning: Bool { state.withLockedValue { $0.worker != nil } }
    var queues: [String] { state.withLockedValue { $0.worker }?.queues ?? [] }
    var waitingCount: Int { state.withLockedValue { $0.worker }?.waitingCount ?? 0 }
    var unfinishedCount: Int { state.withLockedValue { $0.unfinished.values.reduce(0, +) } }

    func observe(_ event: WorkerEvent, at time: Date) {
        state.withLockedValue { state in
            switch event {
            case .received(let request): state.unfinished[request.id, default: 0] += 1
            case .started: break
            case .ended(let request, _, _):
                // A task that was refused when its message came was never received.
                guard let count = state.unfinished[request.id] else { return }
                state.unfinished[request.id] = count > 1 ? count - 1 : nil
            }
        }
    }

    func run(beside worker: WorkerControl, until stopping: Gate) async {
        state.withLockedValue { $0.worker = worker }
        hasBegun.open()
        await stopping.wait()
        state.withLockedValue { $0 = State() }
    }
}
