package import CeleriacCore
import CeleriacWire
import CeleryWire
package import Logging

/// Answers `ping` for a beat, as Celery's does with `beat_enable_remote_control`. It answers no other command: an error from
/// the beat would only clutter the replies of workers. It is silent once the beat has not looked at its schedule for too
/// long, since a probe takes any reply for a sign of life.
package struct CeleryBeatControl: Sendable {
    /// The largest number of requests that wait while one is answered; more are dropped.
    private static let maximumWaiting = 100

    private let nodeName: String
    private let names: CeleryControlNames
    private let content: ControlContent
    private let mailbox: any ControlMailbox
    private let maximumAge: Duration?
    private let age: @Sendable () -> Duration?
    private let clock = LamportClock()
    private let logger: Logger

    /// Makes it; nil at a broker that carries no remote control.
    ///
    /// - Parameters:
    ///   - nodeName: the name under which the beat answers.
    ///   - maximumAge: how long ago the beat may have looked at its schedule, nil for ever.
    ///   - configuration: the names of exchanges and queues.
    ///   - content: the forms that are read.
    ///   - broker: where requests come from.
    ///   - logger: where to log.
    ///   - age: how long ago the beat has looked at its schedule; nil before it began.
    package init?(
        nodeName: String, maximumAge: Duration?, configuration: CeleryControlConfiguration, content: ControlContent,
        broker: any MessageBroker, logger: Logger, age: @escaping @Sendable () -> Duration?
    ) {
        let names = CeleryControlNames(configuration)
        guard let mailbox = broker.controlMailbox(for: nodeName, exchanges: names.exchanges(ofNode: nodeName)) else {
            return nil
        }
        self.nodeName = nodeName
        self.names = names
        self.content = content
        self.mailbox = mailbox
        self.maximumAge = maximumAge
        self.age = age
        self.logger = logger
    }

    /// How long ago a beat may have looked at its schedule, by `beat_remote_control_max_tick_age`: as in Celery, zero is
    /// for ever, and without the setting it is twice the longest pause, but no less than a minute.
    package static func maximumAge(_ setting: Duration?, maximumPause: Duration) -> Duration? {
        guard let setting else { return max(maximumPause * 2, .seconds(60)) }
        return setting > .zero ? setting : nil
    }

    /// Answers until `stopping` opens.
    package func answer(until stopping: Gate) async {
        let requests = BoundedLane<Result<WireMessage, MessageFault>>(limit: Self.maximumWaiting)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await mailbox.run(until: stopping, onOpen: {}) { [logger] message in
                    if !requests.put(message) { logger.warning("the beat drops a request, because too many wait") }
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
            // The sender can read the form in which it asks.
            let form = message.properties.contentType.flatMap { CelerySerializer(contentType: $0) } ?? .json
            let opened = try content.opened(message)
            let request = try CeleryControlRequest.decode(opened.message, accept: opened.accept)
            clock.adjust(to: request.clock)
            guard request.method == "ping", try request.isFor(nodeName: nodeName) else { return }
            if let maximumAge, let passed = age(), passed > maximumAge {
                logger.warning(
                    "the beat does not answer, since it has not looked at its schedule for too long",
                    metadata: ["seconds": "\(passed.seconds)", "limit": "\(maximumAge.seconds)"])
                return
            }
            // Otherwise senders of requests could make the beat put messages into any queue.
            guard let replyTo = request.replyTo, replyTo.exchange == names.replies else { return }
            let reply = CeleryControlReply(
                nodeName: nodeName, value: ["ok": "pong"], ticket: request.ticket, clock: clock.forward())
            try await mailbox.publish([
                OutgoingMessage(
                    message: try content.sealed(reply.encode(as: form.contentForm), as: form),
                    exchange: replyTo.exchange, routingKey: replyTo.routingKey)
            ])
        } catch {
            logger.warning("the beat could not answer a request", metadata: ["error": "\(error)"])
        }
    }
}
