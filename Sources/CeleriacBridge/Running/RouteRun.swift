import CeleriacCore
import Logging
import NIOConcurrencyHelpers

/// What both halves of a running route need.
struct RouteRun: Sendable {
    let route: BridgeRoute
    let source: BridgeEnd
    let target: BridgeEnd
    let nodeName: String
    /// Open once the route ends.
    let stop = Gate()
    let valve: Valve
    let logger: Logger
    let metrics: RouteMetrics?
    let counts: RouteCounts
    /// The notes about what was forwarded, by this process or by others, that this one holds.
    let held = NIOLockedValueBox(HeldNotes())
    /// The tasks that somebody has revoked, of all routes of the bridge.
    let revoked: RepeatWindow

    var timers: any TimerSource { target.client.timers }

    var patience: Patience { Patience(stop: stop, timers: timers, counts: counts, logger: logger) }

    /// Whether replies come back by the bridge. Between two of one dialect both sides share the result store.
    var hasReplies: Bool { source.kind != target.kind }

    init(
        _ route: BridgeRoute, from source: BridgeEnd, to target: BridgeEnd, nodeName: String, revoked: RepeatWindow,
        logger: Logger
    ) {
        self.route = route
        self.revoked = revoked
        self.source = source
        self.target = target
        self.nodeName = nodeName
        valve = Valve(route.isPaused ? .paused : .open)
        metrics = RouteMetrics(route.name, target.client.configuration.metrics)
        counts = RouteCounts(metrics)
        var logger = logger
        logger[metadataKey: "route"] = "\(route.name)"
        self.logger = logger
    }

    /// What follows at the source from how a request has ended.
    ///
    /// - Throws: ``CeleriacError`` if not even a failure can be written.
    func effects(of outcome: Outcome, _ request: TaskRequest) throws(CeleriacError) -> [Effect] {
        let context = EffectRun(source.client).context(for: request, nodeName: nodeName)
        do throws(CeleriacError) {
            return try source.dialect.effects(of: outcome, for: request, in: context)
        } catch {
            return try source.dialect.effects(
                of: .failure(source.dialect.failure(for: .notEncodable(error))), for: request, in: context)
        }
    }

    /// Carries out at the source what follows from how a request has ended.
    ///
    /// - Throws: the error of the source's broker or store.
    func answer(_ outcome: Outcome, _ request: TaskRequest) async throws {
        try await carryOut(try effects(of: outcome, request), for: request)
    }

    /// Carries out effects at the source.
    ///
    /// - Throws: the error of the source's broker or store.
    func carryOut(_ effects: [Effect], for request: TaskRequest) async throws {
        let run = EffectRun(source.client)
        let context = run.context(for: request, nodeName: nodeName)
        try await run.carryOut(effects, for: request, in: context) { [patience] side, step in
            switch side {
            case .broker: try await patience.atBroker("the source", step)
            case .store: try await patience.atStore("the source", step)
            }
        }
    }

    /// Tells the caller of a message that its task has failed, as far as the message says whose it is.
    ///
    /// - Parameters:
    ///   - fault: why the message is refused.
    ///   - request: whose it is; nil if nobody knows.
    /// - Returns: the fault, which says whether the caller was told.
    func told(_ fault: MessageFault, _ request: TaskRequest?) async -> MessageFault {
        var fault = fault
        counts.change { $0.refused[fault.reason, default: 0] += 1 }
        logger.error("a bridge parks a message", metadata: ["reason": "\(fault.reason)", "detail": "\(fault.detail)"])
        guard var request else { return fault }
        let failure = source.dialect.failure(for: .unrunnable(fault))
        // It would be refused the next time as well.
        request.refusal = failure
        do {
            try await answer(.failure(failure), request)
            fault.failureIsStored = request.ignoresResult == true ? nil : true
        } catch {
            fault.failureIsStored = false
            logger.error("a bridge could not tell of a failure", metadata: ["error": "\(error)"])
        }
        return fault
    }

    /// Begins to consume.
    func consumer(of queue: String, at broker: any MessageBroker, prefetch: Int) async throws -> any MessageConsumer {
        let options = ConsumerOptions(queues: [TaskQueue(queue)], prefetch: prefetch, nodeName: nodeName)
        // A login that is refused now may never have been right.
        return try await patience.run("the broker of \(queue)", while: { $0.code == .unavailable }) {
            try await broker.consume(options)
        }
    }
}
