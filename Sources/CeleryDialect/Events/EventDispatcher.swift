import CeleriacCore
import CeleriacWire
import CeleryWire
import Logging
import Synchronization

import struct FoundationEssentials.Date

/// Sends events about a worker's tasks to monitors. The code that runs a task only notes what happened; a separate loop
/// makes the messages, each with many events, and sends them.
final class EventDispatcher: WorkerObserver {
    /// What happened, before it becomes an event.
    struct Note: Sendable {
        let event: WorkerEvent
        let time: Date
        let clock: Int64
    }

    /// The largest number of events that wait while the broker is out of reach. Later ones are dropped, since only
    /// monitors need them.
    static let maximumWaiting = 20_000
    /// The largest number of events in one message.
    static let batchSize = 100

    private let isEnabled: Atomic<Bool>
    private let notes = Lane<Note>()
    private let waiting = Atomic(0)
    let nodeName: String
    private let clock: LamportClock
    private let mailbox: any ControlMailbox
    /// Where events go.
    private let exchange: String
    /// In what form events are sent.
    private let content: ControlContent
    private let timers: any TimerSource
    private let logger: Logger

    init(
        isEnabled: Bool, nodeName: String, clock: LamportClock, mailbox: any ControlMailbox, exchange: String,
        content: ControlContent, timers: any TimerSource, logger: Logger
    ) {
        self.isEnabled = Atomic(isEnabled)
        self.nodeName = nodeName
        self.clock = clock
        self.mailbox = mailbox
        self.exchange = exchange
        self.content = content
        self.timers = timers
        self.logger = logger
    }

    /// Turns events about tasks on or off.
    ///
    /// - Returns: Whether this changed anything.
    func setEnabled(_ enabled: Bool) -> Bool {
        isEnabled.exchange(enabled, ordering: .acquiringAndReleasing) != enabled
    }

    // MARK: Noting

    var isListening: Bool { isEnabled.load(ordering: .relaxed) }

    func observe(_ event: WorkerEvent, at time: Date) {
        guard waiting.load(ordering: .relaxed) < Self.maximumWaiting else { return }
        waiting.add(1, ordering: .relaxed)
        notes.put(Note(event: event, time: time, clock: clock.forward()))
    }

    // MARK: Sending

    /// Sends what is noted until ``finish()``, and then what is left. Notes are kept while the broker is out of reach.
    func run(until stopping: Gate) async {
        while true {
            let notes = await notes.take()
            if notes.isEmpty { return }
            var events: [CeleryEvent] = []
            events.reserveCapacity(notes.count)
            let utcOffset = ProcessFacts.utcOffset
            for note in notes {
                for (kind, fields) in TaskEvents.events(of: note.event) {
                    events.append(event(kind, fields, at: note.time, clock: note.clock, utcOffset: utcOffset))
                }
            }
            await publish(events, until: stopping)
            waiting.subtract(notes.count, ordering: .relaxed)
        }
    }

    /// Ends the noting of events.
    func finish() { notes.close() }

    private func publish(_ events: [CeleryEvent], until stopping: Gate) async {
        var messages: [OutgoingMessage] = []
        for start in stride(from: 0, to: events.count, by: Self.batchSize) {
            let batch = Array(events[start..<min(start + Self.batchSize, events.count)])
            guard
                let message = try? content.sealed(
                    CeleryEvent.encode(batch: batch, nodeName: nodeName, as: content.serializer.contentForm),
                    as: content.serializer)
            else { continue }
            messages.append(
                OutgoingMessage(message: message, exchange: exchange, routingKey: CeleryEvent.batchRoutingKey))
        }
        var backoff = Backoff()
        while !messages.isEmpty {
            do {
                return try await mailbox.publish(messages)
            } catch {
                logger.debug("events could not be sent yet", metadata: ["error": "\(error)"])
                if await stopping.wait(atMost: backoff.next(), timers: timers) { return }
            }
        }
    }

    /// Sends one event about the worker now. If it cannot be sent, it is lost; a later one says the same.
    func send(_ kind: CeleryEvent.Kind, _ fields: WireObject, at time: Date) async {
        let event = event(
            kind, fields, at: time, clock: clock.forward(), utcOffset: ProcessFacts.utcOffset)
        do {
            let message = try content.sealed(
                event.encode(as: content.serializer.contentForm), as: content.serializer)
            try await mailbox.publish([
                OutgoingMessage(message: message, exchange: exchange, routingKey: kind.routingKey)
            ])
        } catch {
            logger.debug("an event could not be sent", metadata: ["event": "\(kind)", "error": "\(error)"])
        }
    }

    private func event(
        _ kind: CeleryEvent.Kind, _ fields: WireObject, at time: Date, clock: Int64, utcOffset: Double
    ) -> CeleryEvent {
        CeleryEvent(
            kind, nodeName: nodeName, utcOffset: utcOffset, processID: Int(ProcessFacts.processID), clock: clock,
            timestamp: time.timeIntervalSince1970, fields: fields)
    }
}

/// A logical clock, which orders the messages between nodes.
final class LamportClock: Sendable {
    private let time = Mutex<Int64>(0)

    var value: Int64 { time.withLock { $0 } }

    /// Advances the clock for a message to send.
    ///
    /// - Returns: The time to put into the message.
    @discardableResult
    func forward() -> Int64 {
        time.withLock { time in
            time = time < .max ? time + 1 : time
            return time
        }
    }

    /// Advances the clock past the time in a message that has arrived.
    func adjust(to other: Int64) {
        time.withLock { time in
            // A sender with an absurdly late time must not push all clocks to the end of their range.
            let latest = max(time, min(other, Int64.max / 2))
            time = latest < .max ? latest + 1 : latest
        }
    }
}
