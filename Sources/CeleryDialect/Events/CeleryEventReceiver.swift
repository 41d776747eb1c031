package import CeleriacCore
package import CeleriacWire
import CeleryWire
import FoundationEssentials

/// Hears the events of workers and clients, as Celery's `app.events.Receiver`.
package struct CeleryEventReceiver: Sendable {
    /// What a listener gets.
    package enum News: Sendable {
        /// Everything that happens from now on is heard.
        case listening
        /// The connection was lost; it is made again.
        case lost(any Error)
        /// An event as it was sent, with the logical clock that Celery gives those that have none, and with the time at
        /// which it came in `local_received`.
        case event(WireObject)
        /// A message that is no event, and why.
        case unreadable(String)
    }

    private let broker: any MessageBroker
    private let exchange: String
    private let queue: EventQueue
    private let content: ControlContent
    private let limits: WireLimits
    private let timers: any TimerSource
    private let clock = LamportClock()

    /// Makes a receiver of the events of an exchange. The broker stays its owner's, and the name of the queue is the beginning
    /// of its own one's.
    package init(
        broker: any MessageBroker, exchange: String, queue: EventQueue, content: ControlContent, limits: WireLimits,
        timers: any TimerSource
    ) {
        self.broker = broker
        self.exchange = exchange
        self.queue = queue
        self.content = content
        self.limits = limits
        self.timers = timers
    }

    /// Hears events until `enough` opens.
    ///
    /// - Parameters:
    ///   - enough: opened when nobody listens any more.
    ///   - hear: gets what happens. It returns at once, and may be called on any thread.
    /// - Throws: as ``EventBroker/listen(to:queue:until:hear:)``; ``CeleriacError`` with code `configuration` for a queue that is
    ///   both exclusive and durable.
    package func listen(until enough: Gate, hear: @escaping @Sendable (News) -> Void) async throws {
        guard let source = broker.unwrapped as? any EventBroker else {
            throw CeleriacError(.unsupported, "this transport carries no events")
        }
        guard !(queue.isExclusive && queue.isDurable) else {
            throw CeleriacError(
                .configuration, "event_queue_durable needs event_queue_exclusive: false beside it, as in Celery")
        }
        var own = queue
        own.name += ".\(randomUUID())"
        try await source.listen(to: exchange, queue: own, until: enough) { news in
            switch news {
            case .listening: hear(.listening)
            case .lost(let error): hear(.lost(error))
            case .message(let message): for news in read(message) { hear(news) }
            }
        }
    }

    /// The events of a message.
    private func read(_ message: Result<WireMessage, MessageFault>) -> [News] {
        do {
            let opened = try content.opened(message.get(), limits: limits).message
            return try CeleryEvent.objects(in: opened, limits: limits).map { .event(received($0)) }
        } catch {
            return [.unreadable("\(error)")]
        }
    }

    private func received(_ event: WireObject) -> WireObject {
        var event = event
        if event["type"] == "task-sent" {
            // Clients do not follow the clock, so that theirs says nothing.
            let time = max(1, clock.value) - 1
            event["clock"] = .int(time)
            clock.adjust(to: time)
        } else if let time = event["clock"]?.int64Value {
            clock.adjust(to: time)
        } else {
            event["clock"] = .int(clock.forward())
        }
        event["local_received"] = .double(timers.now.timeIntervalSince1970)
        return event
    }
}
