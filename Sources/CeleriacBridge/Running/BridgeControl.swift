import CeleriacCore
import CeleriacWire
import CeleryDialect
import CeleryWire
import Logging

/// One of the brokers at which operators reach a bridge, by Celery's remote control.
struct BridgeControl: Sendable {
    /// The largest number of requests that wait while one is carried out; more are dropped.
    private static let maximumWaiting = 100

    private let desk: BridgeDesk
    private let names = CeleryControlNames()
    private let mailbox: any ControlMailbox
    private let nodeName: String
    private let logger: Logger

    /// Makes it; nil at a broker that carries no remote control.
    init?(_ bridge: Bridge, at broker: any MessageBroker) {
        nodeName = bridge.nodeName
        guard let mailbox = broker.controlMailbox(for: nodeName, exchanges: names.exchanges(ofNode: nodeName)) else {
            return nil
        }
        self.mailbox = mailbox
        desk = BridgeDesk(bridge)
        logger = bridge.logger
    }

    /// Answers until the bridge ends.
    func answer(until stopping: Gate) async {
        let requests = BoundedLane<Result<WireMessage, MessageFault>>(limit: Self.maximumWaiting)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await mailbox.run(until: stopping, onOpen: {}) { [logger] message in
                    if !requests.put(message) { logger.warning("a bridge drops a request, because too many wait") }
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

    /// Answers one after the other, in the order in which they came.
    private func answer(_ message: Result<WireMessage, MessageFault>) async {
        do {
            let request = try CeleryControlRequest.decode(message.get())
            guard try request.isFor(nodeName: nodeName) else { return }
            let value = await desk.answer(request.method, request.arguments)
            // Otherwise senders of requests could make the bridge put messages into any queue.
            guard let replyTo = request.replyTo, replyTo.exchange == names.replies else { return }
            let reply = CeleryControlReply(
                nodeName: nodeName, value: value, ticket: request.ticket, clock: request.clock &+ 1)
            try await mailbox.publish([
                OutgoingMessage(
                    message: try reply.encode(), exchange: replyTo.exchange, routingKey: replyTo.routingKey)
            ])
        } catch {
            logger.warning("a bridge could not answer a request", metadata: ["error": "\(error)"])
        }
    }
}
