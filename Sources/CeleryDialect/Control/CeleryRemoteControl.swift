package import CeleriacCore
package import CeleriacWire
import CeleryWire
package import Logging

/// A worker's part that takes remote control commands and tells monitors what happens.
package final class CeleryRemoteControl: WorkerPart {
    /// How many requests wait at most while one is carried out; more are dropped.
    private static let maximumWaiting = 1000
    /// How long a worker that stops tries to tell so, to a broker that may be gone.
    private static let farewell = Duration.seconds(5)

    private let configuration: CeleryControlConfiguration
    private let names: CeleryControlNames
    private let node: CeleryControlNode
    private let panel: ControlPanel
    private let mailbox: any ControlMailbox
    private let timers: any TimerSource
    private let logger: Logger

    /// Makes the part, or returns nil where the broker cannot carry it or the configuration wants none of it.
    ///
    /// - Parameter settings: what `inspect conf` tells, by Celery's names of settings. Passwords must not be in it.
    package init?(
        configuration: CeleryControlConfiguration, broker: any Broker, nodeName: String, settings: WireObject,
        timers: any TimerSource, logger: Logger
    ) {
        guard configuration.isEnabled || configuration.sendsTaskEvents || configuration.heartbeatInterval != nil else {
            return nil
        }
        var logger = logger
        logger[metadataKey: "worker"] = "\(nodeName)"
        let names = CeleryControlNames(namespace: configuration.namespace)
        guard let mailbox = broker.controlMailbox(for: nodeName, exchanges: names.exchanges(ofNode: nodeName)) else {
            return nil
        }
        let clock = LamportClock()
        let events = EventDispatcher(
            isEnabled: configuration.sendsTaskEvents, nodeName: nodeName, clock: clock, mailbox: mailbox,
            timers: timers, logger: logger)
        self.configuration = configuration
        self.names = names
        self.mailbox = mailbox
        self.timers = timers
        self.logger = logger
        self.panel = ControlPanel(configuration)
        self.node = CeleryControlNode(
            clock: clock, events: events, settings: settings, broker: broker,
            software: CeleryEventFields.Software(
                name: "celeriac", version: CeleriacVersion.text, system: ProcessFacts.system),
            logger: logger)
    }

    package var observer: (any WorkerObserver)? { node.events }

    package func run(beside worker: WorkerControl, until stopping: Gate) async {
        let requests = BoundedLane<Result<WireMessage, MessageFault>>(limit: Self.maximumWaiting)
        let ended = Gate()
        await withTaskGroup(of: Bool.self) { group in
            var running = 0
            func add(_ work: @escaping @Sendable () async -> Void) {
                running += 1
                group.addTask {
                    await work()
                    return false
                }
            }
            add { await self.node.events.run(until: stopping) }
            if configuration.isEnabled {
                add { await self.answer(requests, worker) }
                add {
                    await self.mailbox.run(until: stopping) { [logger = self.logger] message in
                        if !requests.put(message) {
                            logger.warning("remote control: too many requests, one is dropped")
                        }
                    }
                    requests.close()
                }
            }
            if let interval = configuration.heartbeatInterval {
                add { await self.beat(worker, every: interval, until: stopping) }
            }
            group.addTask {
                await stopping.wait()
                self.node.events.finish()
                await ended.wait(atMost: Self.farewell, timers: self.timers)
                return true
            }
            for await isTimeUp in group {
                if isTimeUp { group.cancelAll() } else { running -= 1 }
                if running == 0 { ended.open() }
            }
        }
        await mailbox.close()
    }

    // MARK: Heartbeats

    private func beat(_ worker: WorkerControl, every interval: Duration, until stopping: Gate) async {
        func send(_ kind: CeleryEvent.Kind) async {
            await node.events.send(
                kind,
                CeleryEventFields.worker(
                    frequency: interval.seconds, active: worker.activeCount, processed: worker.runCount,
                    loadAverage: ProcessFacts.loadAverage, software: node.software),
                at: timers.now)
        }
        await send(.workerOnline)
        while !(await stopping.wait(atMost: interval, timers: timers)) { await send(.workerHeartbeat) }
        await send(.workerOffline)
    }

    // MARK: Requests

    /// Carries out requests one after the other, in the order in which they came.
    private func answer(
        _ requests: BoundedLane<Result<WireMessage, MessageFault>>, _ worker: WorkerControl
    ) async {
        while let batch = await requests.take() {
            for message in batch {
                do {
                    try await answer(CeleryControlRequest.decode(message.get()), worker)
                } catch {
                    logger.warning("remote control: a request cannot be read", metadata: ["error": "\(error)"])
                }
            }
        }
    }

    private func answer(_ request: CeleryControlRequest, _ worker: WorkerControl) async throws {
        node.clock.adjust(to: request.clock)
        guard try isAddressed(request) else { return }
        logger.debug("remote control", metadata: ["command": "\(request.method)"])
        let value = await panel.carryOut(request, worker: worker, node: node)
        guard let replyTo = request.replyTo else { return }
        guard replyTo.exchange == names.replies else {
            // Else whoever sends requests could have anything put into any queue in the worker's name.
            logger.warning("remote control: no reply is sent to an exchange that is not for replies")
            return
        }
        let reply = CeleryControlReply(
            nodeName: worker.nodeName, value: value, ticket: request.ticket, clock: node.clock.forward())
        do {
            try await mailbox.publish([
                OutgoingMessage(
                    message: try reply.encode(), exchange: replyTo.exchange, routingKey: replyTo.routingKey)
            ])
        } catch {
            logger.warning(
                "remote control: a reply is not sent",
                metadata: ["command": "\(request.method)", "error": "\(error)"])
        }
    }

    /// Whether this node is meant: by name, or else by a pattern with its matcher, or else because everybody is.
    private func isAddressed(_ request: CeleryControlRequest) throws -> Bool {
        if let destination = request.destination { return destination.contains(nodeName) }
        guard let pattern = request.pattern, let matcher = request.matcher, !pattern.isEmpty, !matcher.isEmpty else {
            return true
        }
        return try NodePattern(pattern, matcher: matcher).matches(nodeName)
    }

    private var nodeName: String { node.events.nodeName }
}
