import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import CeleryWire
import Logging
import NIOConcurrencyHelpers
import Testing

@testable import CeleryDialect

/// A broker that hears what a client broadcasts, and gives the replies that a test chooses.
final class FakeWorkers: MessageBroker {
    /// What was broadcast.
    struct Broadcast: Sendable {
        let request: OutgoingMessage
        let exchanges: ControlExchanges
    }
    typealias Reply = @Sendable (CeleryControlRequest) throws -> [Result<WireMessage, MessageFault>]
    private let state = NIOLockedValueBox<[Broadcast]>([])
    private let reply: Reply
    private let failure: CeleriacError?
    let timers = VirtualTimers()
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    init(failing failure: CeleriacError? = nil, reply: @escaping Reply = { _ in [] }) {
        self.failure = failure
        self.reply = reply
    }

    /// Workers that all give the same replies, by node name.
    convenience init(replying values: [(String, WireValue)]) {
        self.init { request in
            try values.map { node, value in
                .success(
                    try CeleryControlReply(nodeName: node, value: value, ticket: request.ticket, clock: 9).encode())
            }
        }
    }

    func control(
        _ configuration: CeleryControlConfiguration = CeleryControlConfiguration(),
        content: ControlContent = ControlContent()
    ) -> CeleryControl {
        CeleryControl(caller(configuration, content: content))
    }

    func caller(
        _ configuration: CeleryControlConfiguration = CeleryControlConfiguration(),
        content: ControlContent = ControlContent()
    ) -> ControlCaller {
        ControlCaller(
            configuration: configuration, content: content, limits: .default, broker: self, timers: timers,
            logger: logger)
    }

    var broadcasts: [Broadcast] { state.withLockedValue { $0 } }

    /// The last request.
    func request() throws -> CeleryControlRequest {
        try CeleryControlRequest.decode(#require(broadcasts.last).request.message, accept: [.json, .msgpack])
    }

    // MARK: As a broker

    var name: String { "fake" }

    func publish(_ messages: [OutgoingMessage]) async throws {}

    func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
        try await MemoryBroker().consume(options)
    }

    func broadcast(
        _ request: OutgoingMessage, exchanges: ControlExchanges, until enough: Gate,
        sent: @escaping @Sendable () -> Void,
        receive: @escaping @Sendable (Result<WireMessage, MessageFault>) -> Void
    ) async throws {
        state.withLockedValue { $0.append(Broadcast(request: request, exchanges: exchanges)) }
        if let failure { throw failure }
        sent()
        let decoded = try CeleryControlRequest.decode(request.message, accept: [.json, .msgpack])
        for reply in try reply(decoded) { receive(reply) }
        if exchanges.replyKey != nil { await enough.wait() }
    }
}
