package import CeleriacCore
package import CeleriacWire
import CeleryWire
package import Logging

import struct FoundationEssentials.Date

/// A broker that tells monitors of every task that it publishes, with Celery's event `task-sent`.
///
/// Clients, workers and beats of an application share their broker, so none of them has to know of these events. An
/// event goes out when its task has been taken, over a connection of its own. One that cannot be sent is lost: a task
/// must not fail for it.
package struct SentEventBroker: WrappingBroker, ParkedMessageWalker {
    package let base: any MessageBroker
    private let mailbox: any ControlMailbox
    private let nodeName: String
    /// Where events go.
    private let exchange: String
    private let limits: WireLimits
    /// In what form events are sent.
    private let content: ControlContent
    private let clock: LamportClock
    private let timers: any TimerSource
    private let logger: Logger

    /// Makes a broker that publishes by another one. It is nil if the other one cannot carry events.
    ///
    /// - Parameters:
    ///   - base: publishes the tasks.
    ///   - limits: the limits of messages.
    ///   - content: in what form events are sent, its serializer.
    ///   - control: the names of exchanges.
    ///   - timers: where the broker takes the time from.
    ///   - logger: the logger for events that cannot be sent.
    package init?(
        _ base: any MessageBroker, limits: WireLimits, content: ControlContent = ControlContent(),
        control: CeleryControlConfiguration = CeleryControlConfiguration(), timers: any TimerSource, logger: Logger
    ) {
        // Celery names the sender of these events after its process, in a worker too.
        let nodeName = NodeName.current("gen\(ProcessFacts.processID)")
        let names = CeleryControlNames(control)
        let exchanges = names.exchanges(ofNode: nodeName)
        guard let mailbox = base.controlMailbox(for: nodeName, exchanges: exchanges) else { return nil }
        self.init(
            base: base, mailbox: mailbox, nodeName: nodeName, exchange: names.events, limits: limits, content: content,
            clock: LamportClock(), timers: timers, logger: logger)
    }

    private init(
        base: any MessageBroker, mailbox: any ControlMailbox, nodeName: String, exchange: String, limits: WireLimits,
        content: ControlContent, clock: LamportClock, timers: any TimerSource, logger: Logger
    ) {
        self.base = base
        self.mailbox = mailbox
        self.nodeName = nodeName
        self.exchange = exchange
        self.limits = limits
        self.content = content
        self.clock = clock
        self.timers = timers
        self.logger = logger
    }

    // MARK: Publishing

    /// Publishes messages, and then the events of the tasks that the broker has taken.
    package func publish(_ messages: [OutgoingMessage]) async throws {
        do {
            try await base.publish(messages)
        } catch let error as PartialPublishError {
            let taken = messages.indices.filter { error.refused[$0] == nil && error.unknown[$0] == nil }
            await tell(taken.map { messages[$0] })
            throw error
        }
        await tell(messages)
    }

    private func tell(_ messages: [OutgoingMessage]) async {
        let events = messages.compactMap(event)
        guard !events.isEmpty else { return }
        do {
            try await mailbox.publish(events)
        } catch {
            logger.debug(
                "events could not be sent",
                metadata: ["event": "task-sent", "events": "\(events.count)", "error": "\(error)"])
        }
    }

    /// The event of a message; nil if it is no task.
    private func event(of message: OutgoingMessage) -> OutgoingMessage? {
        guard let fields = TaskEvents.sent(message, limits: limits) else { return nil }
        let kind = CeleryEvent.Kind.taskSent
        let event = CeleryEvent(
            kind, nodeName: nodeName, utcOffset: ProcessFacts.utcOffset, processID: Int(ProcessFacts.processID),
            clock: clock.forward(), timestamp: timers.now.timeIntervalSince1970, fields: fields)
        let form = content.serializer
        return (try? content.sealed(event.encode(as: form.contentForm), as: form)).map {
            OutgoingMessage(message: $0, exchange: exchange, routingKey: kind.routingKey)
        }
    }

    /// Closes the connection of the events, then the broker.
    package func close() async {
        await mailbox.close()
        await base.close()
    }

    /// The other broker's side for workers, with events.
    package var workerSide: any MessageBroker {
        SentEventBroker(
            base: base.workerSide, mailbox: mailbox, nodeName: nodeName, exchange: exchange, limits: limits,
            content: content, clock: clock, timers: timers, logger: logger)
    }
}
