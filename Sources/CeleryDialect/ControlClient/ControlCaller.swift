package import CeleriacCore
package import CeleriacWire
import CeleryWire
import FoundationEssentials
package import Logging
import NIOConcurrencyHelpers

/// Sends requests of remote control to workers and collects their replies. An application has one.
package final class ControlCaller: Sendable {
    private let names: CeleryControlNames
    private let content: ControlContent
    private let limits: WireLimits
    private let broker: any MessageBroker
    private let timers: any TimerSource
    private let logger: Logger
    private let clock: LamportClock
    /// Names of queues of replies that are free. They are used again, because a worker that is late may still put its
    /// reply into such a queue: the next call then finds it there and deletes it.
    private let freeIDs = NIOLockedValueBox<[String]>([])
    private let noted = NIOLockedValueBox(ReplyTrouble())
    /// What was wrong with replies so far. It is in the log, too, which not every client shows.
    var trouble: ReplyTrouble { noted.withLockedValue { $0 } }

    /// Creates a caller. The broker stays its owner's.
    package convenience init(
        configuration: CeleryControlConfiguration, content: ControlContent, limits: WireLimits,
        broker: any MessageBroker, timers: any TimerSource, logger: Logger
    ) {
        self.init(
            configuration: configuration, content: content, limits: limits, broker: broker, clock: LamportClock(),
            timers: timers, logger: logger)
    }

    /// Creates a caller that shares a worker's clock.
    init(
        configuration: CeleryControlConfiguration, content: ControlContent, limits: WireLimits,
        broker: any MessageBroker, clock: LamportClock, timers: any TimerSource, logger: Logger
    ) {
        self.names = CeleryControlNames(configuration)
        self.content = content
        self.limits = limits
        self.broker = broker
        self.clock = clock
        self.timers = timers
        self.logger = logger
    }

    /// Sends a request to which nobody shall reply.
    ///
    /// - Parameters:
    ///   - request: the command, its arguments and its addressees.
    ///   - timeout: the request's time to live, which it names; nil for ever.
    /// - Throws: the broker's error, or ``CeleriacError`` with code `argumentMismatch`.
    func cast(_ request: CeleryControlRequest, timeout: Duration?) async throws {
        try await broker.broadcast(
            try outgoing(request, timeout: timeout), exchanges: names.exchanges(ofClient: nil), until: Gate(),
            sent: {}, receive: { _ in })
    }

    /// Sends a request and collects replies, in the order in which they come.
    ///
    /// - Parameters:
    ///   - request: the command, its arguments and its addressees.
    ///   - timeout: how long to wait for replies once the request is published.
    ///   - limit: how many replies to wait for at most; nil for all that come in time.
    ///   - sent: called when the request is published, by a caller who then waits for no more replies than nodes have
    ///     heard it, where the broker knows their number.
    /// - Returns: the replies that came.
    /// - Throws: as ``cast(_:timeout:)``; `CancellationError`.
    func call(
        _ request: CeleryControlRequest, timeout: Duration, limit: Int?, sent: (@Sendable () -> Void)? = nil
    ) async throws -> [CeleryControlReply] {
        try Task.checkCancellation()
        let id = freeIDs.withLockedValue { $0.popLast() } ?? randomUUID()
        let ticket = randomUUID()
        var request = request
        request.ticket = ticket
        request.replyTo = CeleryReplyAddress(exchange: names.replies, routingKey: id)
        let message = try outgoing(request, timeout: timeout)
        let replies = ReplyCollection(ticket: ticket, limit: limit)
        let timer = NIOLockedValueBox<(any RunningTimer)?>(nil)
        defer { timer.withLockedValue { $0 }?.cancel() }
        let isSent: @Sendable () -> Void = { [timers] in
            let started = timers.schedule(after: timeout) { replies.enough.open() }
            timer.withLockedValue { $0 = started }
            sent?()
        }
        let receive: @Sendable (Result<WireMessage, MessageFault>) -> Void = { [self] in self.receive($0, replies) }
        let exchanges = names.exchanges(ofClient: id)
        do {
            try await withTaskCancellationHandler {
                if sent != nil, let broker = broker.unwrapped as? any AudienceBroker {
                    try await broker.ask(
                        message, exchanges: exchanges, until: replies.enough,
                        heard: { audience in
                            isSent()
                            if let audience { replies.expect(audience) }
                        }, receive: receive)
                } else {
                    try await broker.broadcast(
                        message, exchanges: exchanges, until: replies.enough, sent: isSent, receive: receive)
                }
            } onCancel: {
                replies.enough.open()
            }
        } catch {
            // The transport's own error for a cancelled task says less.
            try Task.checkCancellation()
            throw error
        }
        // A name whose queue may still stand, because something failed, is not used again.
        freeIDs.withLockedValue { $0.append(id) }
        try Task.checkCancellation()
        let all = replies.all
        let (shared, unreadable) = (all.sharedNames, replies.unreadable)
        noted.withLockedValue { $0.note(sharedNames: shared, unreadable: unreadable) }
        if !shared.isEmpty {
            logger.warning(
                "remote control: several workers have the same node name; give each its own",
                metadata: ["nodes": "\(shared)"])
        }
        return all
    }

    private func outgoing(_ request: CeleryControlRequest, timeout: Duration?) throws -> OutgoingMessage {
        var request = request
        request.clock = clock.forward()
        if let timeout, timeout > .zero {
            request.expires = timers.now.timeIntervalSince1970 + timeout.seconds
        }
        do {
            let form = content.serializer
            let message = try content.sealed(request.encode(as: form.contentForm), as: form)
            return OutgoingMessage(message: message, exchange: names.requests, routingKey: "")
        } catch {
            throw CeleriacError(
                .argumentMismatch, "the arguments of the command \(request.method) cannot be sent", cause: error)
        }
    }

    private func receive(_ message: Result<WireMessage, MessageFault>, _ replies: ReplyCollection) {
        do {
            let opened = try content.opened(message.get(), limits: limits)
            let reply = try CeleryControlReply.decode(opened.message, accept: opened.accept, limits: limits)
            clock.adjust(to: reply.clock)
            replies.add(reply)
        } catch {
            replies.addUnreadable("\(error)")
            logger.warning("remote control: a reply cannot be read", metadata: ["error": "\(error)"])
        }
    }
}

extension ControlCaller: TaskRevoker {
    /// Asks all workers to drop tasks. As Celery's `AsyncResult.revoke`, the request names no time to live.
    package func revoke(_ ids: [String], terminate: Bool, signal: String?) async throws {
        guard !ids.isEmpty else { return }
        try await cast(.revocation(of: ids, terminate: terminate, signal: signal), timeout: nil)
    }
}

/// The replies to one request.
private final class ReplyCollection: Sendable {
    private struct State {
        /// How many replies are wanted.
        var limit: Int
        var replies: [CeleryControlReply] = []
        var isComplete: Bool { replies.count >= limit }
    }
    private let ticket: String
    private let state: NIOLockedValueBox<State>
    private let failures = NIOLockedValueBox<[String]>([])
    /// Opens when there are as many replies as are wanted, or when no more are waited for.
    let enough = Gate()

    init(ticket: String, limit: Int?) {
        self.ticket = ticket
        state = NIOLockedValueBox(State(limit: limit ?? .max))
        if state.withLockedValue({ $0.isComplete }) { enough.open() }
    }

    var all: [CeleryControlReply] { state.withLockedValue { $0.replies } }

    /// Waits for no more replies than so many.
    func expect(_ count: Int) {
        let isComplete = state.withLockedValue { state in
            state.limit = min(state.limit, count)
            return state.isComplete
        }
        if isComplete { enough.open() }
    }

    /// Why replies could not be read, for each of them.
    var unreadable: [String] { failures.withLockedValue { $0 } }

    func addUnreadable(_ reason: String) { failures.withLockedValue { $0.append(reason) } }

    /// Adds a reply, unless it is to another request.
    func add(_ reply: CeleryControlReply) {
        // kombu takes a reply without a ticket, too.
        guard reply.ticket == nil || reply.ticket == ticket, !enough.isOpen else { return }
        let isComplete = state.withLockedValue { state in
            if !state.isComplete { state.replies.append(reply) }
            return state.isComplete
        }
        if isComplete { enough.open() }
    }
}

extension [CeleryControlReply] {
    /// The node names from which more than one reply came, as Celery's `DuplicateNodenameWarning` has them.
    var sharedNames: [String] {
        var (seen, shared) = (Set<String>(), Set<String>())
        for reply in self where !seen.insert(reply.nodeName).inserted { shared.insert(reply.nodeName) }
        return shared.sorted()
    }
}

extension CeleryControlRequest {
    /// Celery's command `revoke`. A single id is text.
    static func revocation(of ids: [String], terminate: Bool, signal: String?) -> CeleryControlRequest {
        let target: WireValue = ids.count == 1 ? .string(ids[0]) : .array(ids.map { .string($0) })
        return CeleryControlRequest("revoke", arguments: revocation(of: target, terminate: terminate, signal: signal))
    }

    /// The arguments of Celery's command `revoke`.
    static func revocation(of target: WireValue, terminate: Bool, signal: String?) -> WireObject {
        ["task_id": target, "terminate": .bool(terminate), "signal": signal.map { .string($0) } ?? .null]
    }
}
