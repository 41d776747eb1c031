import CeleriacCore
import CeleryDialect
import CeleryWire
package import Logging
import NIOConcurrencyHelpers
public import ServiceLifecycle
import UnixSignals

/// A bridge between task systems: it takes tasks from queues of one, has them run by workers of another, and brings the
/// results back, so that neither side knows of it. `celeriac bridge` runs one.
///
/// ```swift
/// let bridge = try Bridge(yaml: [UInt8](Data(contentsOf: url)), environment: ProcessInfo.processInfo.environment)
/// try await bridge.launch()
/// ```
public final class Bridge: Service {
    /// A route with its source and its target.
    package typealias Opening = (route: BridgeRoute, source: BridgeEnd, target: BridgeEnd)

    private struct State {
        var table = RouteTable()
        /// The sides that are open.
        var ends: [BridgeEnd] = []
        /// The names of the routes without which the bridge ends: those that it began with.
        var essential: Set<String> = []
        /// What the routes count, also once they have ended.
        var counts: [String: RouteCounts] = [:]
        var isStopping = false
    }

    /// Who holds messages, stores results and answers operators.
    package let nodeName: String
    let logger: Logger
    let source: BridgeSource
    /// The tasks that somebody has revoked. They outlive their routes, which may change.
    let revoked = RepeatWindow(size: RevocationLimits().maximumCount)
    /// Those of them that are noted for bridges that begin later.
    let notedRevocations = RepeatWindow(size: RevocationLimits().maximumCount)
    /// How often something was noted of them.
    let noteCount = NIOLockedValueBox(0)
    private let closesEnds: Bool
    let isControlled: Bool
    /// Open once the bridge ends.
    let stopping = Gate()
    /// Wakes who runs the routes, once there are others.
    private let news = WakeSignal()
    private let state = NIOLockedValueBox(State())

    /// Makes a bridge of its parts.
    ///
    /// - Parameters:
    ///   - routes: the routes, each with its source and its target.
    ///   - nodeName: who holds messages and stores results; nil for a name of this process.
    ///   - source: the file that they are from, if they are.
    ///   - isControlled: whether operators may ask and steer it by remote control.
    ///   - closesEnds: whether the bridge closes its sides at its end.
    ///   - logger: the bridge's logger.
    package init(
        _ routes: [Opening], nodeName: String? = nil, source: BridgeSource = BridgeSource(), isControlled: Bool = true,
        closesEnds: Bool = true, logger: Logger
    ) {
        self.nodeName = nodeName ?? BridgeNode.current
        self.source = source
        self.isControlled = isControlled
        self.closesEnds = closesEnds
        self.logger = logger
        change(to: routes)
        state.withLockedValue { $0.essential = Set(routes.map(\.route.name)) }
    }

    /// The routes, by their names.
    package var names: [String] { runs.map(\.route.name) }

    /// What each route has done, by its name.
    package var status: [String: RouteStatus] {
        state.withLockedValue { $0.counts }.mapValues(\.status)
    }

    /// Whether the bridge ends.
    var isStopping: Bool { stopping.isOpen }

    /// The routes as they are now.
    var runs: [RouteRun] {
        state.withLockedValue { $0.table.current.values.sorted { $0.route.name < $1.route.name } }
    }

    /// Ends ``run()`` once what is under way is done. Replies that have not come stay noted at their target's broker.
    public func stop() {
        let running = state.withLockedValue { state in
            state.isStopping = true
            return Array(state.table.running.values)
        }
        stopping.open()
        for run in running { run.halt() }
        news.stop()
    }

    // MARK: Changing

    /// Puts other routes in the place of those that there are. Routes that are the same go on without noticing.
    ///
    /// - Returns: what has changed. After ``stop()`` nothing changes.
    @discardableResult
    package func change(to routes: [Opening]) -> BridgeChange {
        var change = BridgeChange()
        let halted = state.withLockedValue { state -> [RouteRun] in
            if state.isStopping { return [] }
            let current = state.table.current
            var new: [RouteRun] = []
            for (route, source, target) in routes {
                if let run = current[route.name], run.route == route, run.source.client === source.client,
                    run.target.client === target.client
                {
                    change.kept.append(route.name)
                } else {
                    change.opened.append(route.name)
                    let run = RouteRun(
                        route, from: source, to: target, nodeName: nodeName, revoked: revoked, logger: logger)
                    state.counts[route.name] = run.counts
                    new.append(run)
                }
                for end in [source, target] where !state.ends.contains(where: { $0.client === end.client }) {
                    state.ends.append(end)
                }
            }
            let names = Set(routes.map(\.route.name))
            change.closed = current.keys.filter { !names.contains($0) }.sorted()
            state.counts = state.counts.filter { names.contains($0.key) }
            state.essential.subtract(change.opened + change.closed)
            return state.table.replace(keeping: Set(change.kept), by: new)
        }
        for run in halted { run.halt() }
        news.wake()
        return change
    }

    // MARK: Running

    /// Runs the routes until the process receives SIGINT or SIGTERM, or ``stop()`` is called. For programs that have no
    /// `ServiceGroup` of their own.
    ///
    /// - Throws: as ``run()``.
    public func launch() async throws {
        try await ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: self, successTerminationBehavior: .gracefullyShutdownGroup)],
                gracefulShutdownSignals: [.sigint, .sigterm], logger: logger)
        ).run()
    }

    /// Runs the routes until ``stop()``, a graceful shutdown, or cancellation.
    ///
    /// - Throws: the error with which a route has given up, for instance because a server no longer accepts its login.
    ///   What the bridge held is given back.
    public func run() async throws {
        // A Swift task of its own, which the cancellation of the caller does not reach: a transport refuses the calls of a
        // cancelled task, so that what was forwarded would stay unsettled.
        let service = Task { try await self.serve() }
        let result = await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                await service.result
            } onGracefulShutdown: {
                self.stop()
            }
        } onCancel: {
            self.stop()
        }
        await close()
        try result.get()
    }

    /// Closes what the bridge holds open.
    func close() async {
        guard closesEnds else { return }
        for end in state.withLockedValue({ $0.ends }) { await end.close() }
    }

    /// What happens to a bridge while it runs.
    private enum Event: Sendable {
        /// There may be routes to begin.
        case news
        /// A route has ended.
        case ended(RouteRun, (any Error)?)
        /// Nobody asks by this way any more.
        case left
    }

    private func serve() async throws {
        var failure: (any Error)?
        var (lessons, mailboxes): ([ObjectIdentifier: Lesson], Set<BrokerDescription>) = ([:], [])
        await withTaskGroup(of: Event.self) { group in
            begin(in: &group, &lessons, &mailboxes)
            group.addTask { await self.heardNews() }
            for await event in group {
                switch event {
                case .left: continue
                case .news:
                    if isStopping { continue }
                    group.addTask { await self.heardNews() }
                case .ended(let run, let error):
                    state.withLockedValue { $0.table.end(run.route.name) }
                    if let error, note(error, of: run) { failure = failure ?? error }
                    await closeUnused()
                }
                begin(in: &group, &lessons, &mailboxes)
            }
        }
        if let failure { throw failure }
    }

    private func heardNews() async -> Event {
        await news.wait()
        return .news
    }

    /// Begins the routes that can, and listens to operators where their sides are. There it learns before what was revoked.
    private func begin(
        in group: inout TaskGroup<Event>, _ lessons: inout [ObjectIdentifier: Lesson],
        _ mailboxes: inout Set<BrokerDescription>
    ) {
        let ready = state.withLockedValue { $0.isStopping ? [] : $0.table.begin() }
        for run in ready {
            let ends = [run.source, run.target]
            for end in ends where lessons[ObjectIdentifier(end.client)] == nil {
                let lesson = Lesson()
                lessons[ObjectIdentifier(end.client)] = lesson
                let notes = RevocationNotes(at: end, of: run.route, nodeName: nodeName)
                group.addTask {
                    await self.learn(at: end, from: notes, lesson)
                    return .left
                }
                guard isControlled, mailboxes.insert(end.notes.brokerDescription).inserted,
                    let control = self.control(at: end.notes)
                else { continue }
                group.addTask { [stopping] in
                    await lesson.isAsked.wait(atMost: Mingling.bound, timers: end.client.timers)
                    await control.answer(until: stopping)
                    return .left
                }
            }
            let learned = ends.compactMap { lessons[ObjectIdentifier($0.client)]?.isOver }
            group.addTask {
                do {
                    try await run.serve(after: learned)
                    return .ended(run, nil)
                } catch {
                    return .ended(run, error)
                }
            }
        }
    }

    /// Answers operators at one of the brokers, by Celery's remote control; nil at one that carries none.
    private func control(at broker: any MessageBroker) -> CeleryControlNode? {
        let desk = BridgeDesk(self)
        return CeleryControlNode("bridge", nodeName: nodeName, broker: broker, logger: logger) { request in
            await desk.answer(request.method, request.arguments)
        }
    }

    /// Notes that a route has given up.
    ///
    /// - Returns: whether the bridge ends with it. One that somebody has added to a bridge that runs leaves the others alone.
    private func note(_ error: any Error, of run: RouteRun) -> Bool {
        let name = run.route.name
        run.counts.change { $0.failure = "\(error)" }
        let isEssential = state.withLockedValue { $0.essential.contains(name) }
        if isEssential {
            // The others end in good order.
            stop()
        } else {
            logger.error("a route has given up", metadata: ["route": "\(name)", "error": "\(error)"])
        }
        return isEssential
    }

    private func closeUnused() async {
        guard closesEnds else { return }
        let unused = state.withLockedValue { state in
            if state.isStopping { return [BridgeEnd]() }
            let unused = state.ends.filter { !state.table.uses($0) && !source.keeps($0) }
            state.ends.removeAll { end in unused.contains { $0.client === end.client } }
            return unused
        }
        for end in unused { await end.close() }
    }
}
