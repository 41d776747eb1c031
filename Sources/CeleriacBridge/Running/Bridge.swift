import CeleriacCore
package import Logging
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
    private let routes: [RouteRun]
    private let ends: [BridgeEnd]
    private let stopping: Gate
    private let logger: Logger

    /// Makes a bridge of its parts.
    ///
    /// - Parameters:
    ///   - routes: the routes, each with its source and its target.
    ///   - nodeName: who holds messages and stores results; nil for `bridge@` and this machine's name.
    ///   - closesEnds: whether the bridge closes its sides at its end.
    ///   - logger: the bridge's logger.
    package init(
        _ routes: [(route: BridgeRoute, source: BridgeEnd, target: BridgeEnd)],
        nodeName: String? = nil, closesEnds: Bool = true, logger: Logger
    ) {
        let gate = Gate()
        let node = nodeName ?? NodeName.current("bridge")
        stopping = gate
        self.routes = routes.map {
            RouteRun($0.route, from: $0.source, to: $0.target, nodeName: node, stop: gate, logger: logger)
        }
        var ends: [BridgeEnd] = []
        for end in routes.flatMap({ [$0.source, $0.target] }) where !ends.contains(where: { $0.client === end.client })
        {
            ends.append(end)
        }
        self.ends = closesEnds ? ends : []
        self.logger = logger
    }

    /// What each route has done, by its name.
    package var status: [String: RouteStatus] {
        Dictionary(routes.map { ($0.route.name, $0.counts.status) }) { first, _ in first }
    }

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

    /// Ends ``run()`` once what is under way is done. Replies that have not come stay noted at their target's broker.
    public func stop() { stopping.open() }

    /// The routes, to look at their messages.
    var rehearsed: [RouteRun] { routes }

    /// Closes what the bridge holds open.
    func close() async {
        for end in ends { await end.close() }
    }

    private func serve() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for run in routes {
                group.addTask { try await Forwarder(run).forward() }
                if run.hasReplies { group.addTask { try await ReplyCourier(run).bring() } }
                logger.notice(
                    "a route is open",
                    metadata: [
                        "route": "\(run.route.name)", "from": "\(run.source.broker.name)",
                        "to": "\(run.target.broker.name)",
                    ])
            }
            do {
                for try await _ in group {}
            } catch {
                // A route that gives up ends the others in good order.
                stop()
                while let result = await group.nextResult() {
                    if case .failure(let other) = result {
                        logger.error("a route has ended", metadata: ["error": "\(other)"])
                    }
                }
                throw error
            }
        }
    }
}
