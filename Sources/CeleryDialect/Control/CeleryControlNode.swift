package import CeleriacCore
package import CeleriacWire
package import CeleryWire
package import Logging

/// Answers requests of Celery's remote control as a node that is no worker: a beat or a bridge.
package struct CeleryControlNode: Sendable {
    /// The largest number of requests that wait while one is answered; more are dropped.
    private static let maximumWaiting = 100

    private let kind: String
    private let nodeName: String
    private let names: CeleryControlNames
    private let content: ControlContent
    private let mailbox: any ControlMailbox
    private let clock = LamportClock()
    private let logger: Logger
    private let carryOut: @Sendable (CeleryControlRequest) async -> WireValue?

    /// Makes it; nil at a broker that carries no remote control.
    ///
    /// - Parameters:
    ///   - kind: what logs call it, for instance `beat`.
    ///   - nodeName: the name under which it answers.
    ///   - configuration: the names of exchanges and queues.
    ///   - content: the forms that are read.
    ///   - broker: where requests come from.
    ///   - logger: where to log.
    ///   - carryOut: carries out a request that is for this node, and says what is replied; nil to be silent.
    package init?(
        _ kind: String, nodeName: String, configuration: CeleryControlConfiguration = CeleryControlConfiguration(),
        content: ControlContent = ControlContent(), broker: any MessageBroker, logger: Logger,
        carryOut: @escaping @Sendable (CeleryControlRequest) async -> WireValue?
    ) {
        let names = CeleryControlNames(configuration)
        guard let mailbox = broker.controlMailbox(for: nodeName, exchanges: names.exchanges(ofNode: nodeName)) else {
            return nil
        }
        self.kind = kind
        self.nodeName = nodeName
        self.names = names
        self.content = content
        self.mailbox = mailbox
        self.logger = logger
        self.carryOut = carryOut
    }

    /// Answers until `stopping` opens: one request after the other, in the order in which they came.
    package func answer(until stopping: Gate) async {
        let requests = BoundedLane<Result<WireMessage, MessageFault>>(limit: Self.maximumWaiting)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await mailbox.run(until: stopping, onOpen: {}) { [kind, logger] message in
                    if !requests.put(message) { logger.warning("a \(kind) drops a request, because too many wait") }
                }
                requests.close()
            }
            group.addTask {
                while let batch = await requests.take() {
                    for message in batch { await answer(message) }
                }
            }
        }
        await mailbox.close()
    }

    private func answer(_ message: Result<WireMessage, MessageFault>) async {
        do {
            let message = try message.get()
            // Who asks in a form reads it.
            let form = message.properties.contentType.flatMap { CelerySerializer(contentType: $0) } ?? .json
            let opened = try content.opened(message)
            let request = try CeleryControlRequest.decode(opened.message, accept: opened.accept)
            clock.adjust(to: request.clock)
            guard try request.isFor(nodeName: nodeName), let value = await carryOut(request) else { return }
            // Otherwise senders of requests could make this process put messages into any queue.
            guard let replyTo = request.replyTo, replyTo.exchange == names.replies else { return }
            let reply = CeleryControlReply(
                nodeName: nodeName, value: value, ticket: request.ticket, clock: clock.forward())
            try await mailbox.publish([
                OutgoingMessage(
                    message: try content.sealed(reply.encode(as: form.contentForm), as: form),
                    exchange: replyTo.exchange, routingKey: replyTo.routingKey)
            ])
        } catch {
            logger.warning("a \(kind) could not answer a request", metadata: ["error": "\(error)"])
        }
    }
}
