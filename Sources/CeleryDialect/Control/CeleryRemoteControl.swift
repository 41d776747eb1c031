package import CeleriacCore
package import CeleriacWire
package import CeleryWire
package import Logging
import NIOConcurrencyHelpers

/// The part of a worker that carries out remote control commands and sends events to monitors.
///
/// Requests arrive through a ``ControlMailbox``, which has a connection separate from that of the queues. Each request
/// calls a ``CeleryControlCommand``, whose reply goes back through the mailbox.
package final class CeleryRemoteControl: WorkerPart {
    /// The largest number of requests that wait while one is carried out; more are dropped.
    private static let maximumWaiting = 1000
    /// How long a stopping worker tries to announce its stop. The broker may be gone.
    private static let farewell = Duration.seconds(2)

    private let configuration: CeleryControlConfiguration
    let content: ControlContent
    let names: CeleryControlNames
    /// The commands that this worker carries out, by all their names.
    private let commands: [String: CeleryControlCommand]
    let mailbox: any ControlMailbox
    let namesakes = NIOLockedValueBox(Namesakes())
    /// Asks other workers.
    let caller: ControlCaller
    private let timers: any TimerSource
    private let inboxIsSettled = Gate()
    /// Asks other workers for what was revoked; nil if this one does not ask, or nobody can be asked.
    private let mingling: Mingling?
    private let hasMingled = Gate()

    // What commands need.
    let clock = LamportClock()
    let events: EventDispatcher
    /// What `inspect conf` shows: settings by Celery's names, without passwords.
    let settings: WireObject
    let broker: any MessageBroker
    /// The queues that the application knows.
    let queues: QueueTable
    let software = CeleryEventFields.Software(
        name: "celeriac", version: ProcessFacts.version, system: ProcessFacts.system)
    let logger: Logger

    /// Creates the part; nil if the broker cannot carry remote control or the configuration turns all of it off.
    ///
    /// `inspect conf` shows `settings`, which are keyed by Celery's names and must not contain passwords.
    package init?(
        configuration: CeleryControlConfiguration, content: ControlContent = ControlContent(),
        eventSerializer: CelerySerializer = .json, broker: any MessageBroker, queues: QueueTable, nodeName: String,
        settings: WireObject, timers: any TimerSource, logger: Logger
    ) {
        guard configuration.isEnabled || configuration.sendsTaskEvents || configuration.heartbeatInterval != nil else {
            return nil
        }
        var logger = logger
        logger[metadataKey: "worker"] = "\(nodeName)"
        let names = CeleryControlNames(configuration)
        guard let mailbox = broker.controlMailbox(for: nodeName, exchanges: names.exchanges(ofNode: nodeName)) else {
            return nil
        }
        self.configuration = configuration
        self.content = content
        self.names = names
        self.commands = Self.commands(of: configuration)
        self.mailbox = mailbox
        self.caller = ControlCaller(
            configuration: configuration, content: content, limits: .default, broker: broker, timers: timers,
            logger: logger)
        self.timers = timers
        // Whom operators do not let carry out the command, others shall not tell what is revoked either.
        self.mingling =
            configuration.isEnabled && configuration.mingles && commands["hello"] != nil
            ? Mingling(
                nodeName: nodeName, configuration: configuration, content: content, broker: broker, clock: clock,
                timers: timers, logger: logger) : nil
        self.events = EventDispatcher(
            isEnabled: configuration.sendsTaskEvents, nodeName: nodeName, clock: clock, mailbox: mailbox,
            exchange: names.events,
            content: ControlContent(serializer: eventSerializer, security: content.security),
            timers: timers, logger: logger)
        self.settings = settings
        self.broker = broker
        self.queues = queues
        self.logger = logger
    }

    private static func commands(of configuration: CeleryControlConfiguration) -> [String: CeleryControlCommand] {
        var commands: [String: CeleryControlCommand] = [:]
        for command in CeleryControlCommand.builtIn + configuration.commands {
            if let allowed = configuration.allowedCommands, !allowed.contains(command.name) { continue }
            for name in [command.name] + command.aliases { commands[name] = command }
        }
        return commands
    }

    package var observer: (any WorkerObserver)? { events }
    package var reachable: Gate? { configuration.isEnabled ? inboxIsSettled : nil }
    package var informed: Gate? { mingling == nil ? nil : hasMingled }

    package func run(beside worker: WorkerControl, until stopping: Gate) async {
        let requests = BoundedLane<Result<WireMessage, MessageFault>>(limit: Self.maximumWaiting)
        let (ended, mayGreet, mayOpen) = (Gate(), Gate(), Gate())
        let sharesName = mailbox is any SharedMailbox
        // RabbitMQ says whether anybody hears a question only as long as this worker does not hear it itself.
        if mingling == nil || sharesName { mayOpen.open() } else { mayGreet.open() }
        let bound = mingling.map { _ in timers.schedule(after: Mingling.patience) { [hasMingled] in hasMingled.open() }
        }
        defer { bound?.cancel() }
        await withTaskGroup(of: Bool.self) { group in
            var running = 0
            func add(_ work: @escaping @Sendable () async -> Void) {
                running += 1
                group.addTask {
                    await work()
                    return false
                }
            }
            add { await self.events.run(until: stopping) }
            if configuration.isEnabled {
                add { await self.answer(requests, worker) }
                add {
                    let onOpen: @Sendable () -> Void = {
                        self.inboxIsSettled.open()
                        mayGreet.open()
                    }
                    await mayOpen.wait(atMost: Mingling.bound, timers: self.timers)
                    await self.mailbox.run(until: stopping, onOpen: onOpen) { [logger = self.logger] message in
                        if !requests.put(message) {
                            logger.warning("remote control: dropping a request, because too many are waiting")
                        }
                    }
                    requests.close()
                }
                if sharesName || mingling != nil {
                    // Where names are shared it hears what a namesake answers only when requests reach it.
                    add {
                        await mayGreet.wait()
                        if let mingling = self.mingling {
                            await self.mingle(by: mingling, worker, until: stopping) { mayOpen.open() }
                            self.hasMingled.open()
                        } else if !stopping.isOpen {
                            _ = try? await stopping.unlessOpen { await self.greet() }
                        }
                        if sharesName, !stopping.isOpen { await self.askForNamesakes(until: stopping) }
                    }
                }
            }
            if let interval = configuration.heartbeatInterval {
                add { await self.beat(worker, every: interval, until: stopping) }
            }
            group.addTask {
                await stopping.wait()
                mayGreet.open()
                self.events.finish()
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
            await events.send(
                kind,
                CeleryEventFields.worker(
                    frequency: interval.seconds, active: worker.activeCount, processed: worker.runCount,
                    loadAverage: ProcessFacts.loadAverage, software: software),
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
                    let message = try message.get()
                    // Who asks in a form reads it, whatever this worker's own tasks are sent in.
                    let form = message.properties.contentType.flatMap { CelerySerializer(contentType: $0) }
                    let opened = try content.opened(message)
                    try await answer(
                        CeleryControlRequest.decode(opened.message, accept: opened.accept), in: form ?? .json, worker)
                } catch {
                    logger.warning("remote control: a request cannot be read", metadata: ["error": "\(error)"])
                }
            }
        }
    }

    private func answer(
        _ request: CeleryControlRequest, in form: CelerySerializer, _ worker: WorkerControl
    ) async throws {
        clock.adjust(to: request.clock)
        guard try request.isFor(nodeName: nodeName), !isOfNamesake(request) else { return }
        logger.debug("remote control", metadata: ["command": "\(request.method)"])
        let value = await carryOut(request, worker)
        guard let replyTo = request.replyTo else { return }
        guard replyTo.exchange == names.replies else {
            // Otherwise senders of requests could make the worker put messages into any queue.
            logger.warning("remote control: refusing to reply to an exchange that is not the one for replies")
            return
        }
        let reply = CeleryControlReply(
            nodeName: worker.nodeName, value: value, ticket: request.ticket, clock: clock.forward())
        do {
            try await mailbox.publish([
                OutgoingMessage(
                    message: try content.sealed(reply.encode(as: form.contentForm), as: form),
                    exchange: replyTo.exchange, routingKey: replyTo.routingKey)
            ])
        } catch {
            logger.warning(
                "remote control: a reply could not be sent",
                metadata: ["command": "\(request.method)", "error": "\(error)"])
        }
    }

    /// Carries out a command.
    ///
    /// - Returns: The reply. Errors are in Python's words.
    private func carryOut(_ request: CeleryControlRequest, _ worker: WorkerControl) async -> WireValue {
        guard let command = commands[request.method] else {
            logger.error("remote control: received an unknown command", metadata: ["command": "\(request.method)"])
            return ["error": .string(PythonExceptionText.text(type: "KeyError", arguments: [.string(request.method)]))]
        }
        do {
            return try await command.run(
                CeleryControlCall(
                    worker: worker, arguments: request.arguments, method: request.method, control: self))
        } catch {
            logger.error(
                "remote control: the command failed", metadata: ["command": "\(request.method)", "error": "\(error)"])
            return ["error": .string(Self.text(of: error))]
        }
    }

    private static func text(of error: any Error) -> String {
        if let failure = error as? TaskFailure {
            return PythonExceptionText.text(type: failure.type, arguments: failure.arguments)
        }
        if let error = error as? CeleriacError {
            // Why a server refuses something stands in the cause. Other causes may have what is nobody's business.
            let cause = (error.cause as? any TransportError).map { ": \($0)" } ?? ""
            return PythonExceptionText.text(
                type: error.code == .unsupported ? "NotImplementedError" : "RuntimeError",
                arguments: [.string(error.message + cause)])
        }
        return PythonExceptionText.text(type: String(describing: type(of: error)), arguments: [])
    }

    var nodeName: String { events.nodeName }
}
