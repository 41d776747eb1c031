import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import CeleryWire
import Logging
import TestSupport
import Testing

@testable import CeleryDialect

@Suite("Workers that had the node name before", .timeLimit(.minutes(5)))
struct ElderNamesakeTests {
    private static let told = "another worker has this node name: clients and monitors take both for one"

    private let log = LogRecorder()
    private let timers = VirtualTimers()

    private func control(beside others: FakeWorkers) throws -> CeleryRemoteControl {
        try #require(
            CeleryRemoteControl(
                configuration: CeleryControlConfiguration(heartbeatInterval: nil), broker: SharedInbox(beside: others),
                queues: QueueTable(), nodeName: "w@test", settings: [:], timers: timers, logger: log.logger))
    }

    @Test("are noticed by their answer")
    func answer() async throws {
        let others = FakeWorkers(replying: [("w@test", ["ok": "pong"])])
        let control = try control(beside: others)
        for _ in 0..<2 { await control.askForNamesakes(until: Gate()) }
        let request = try others.request()
        #expect(request.method == "ping" && request.destination == ["w@test"])
        #expect(request.arguments["celeriac_run"]?.stringValue?.isEmpty == false)
        #expect(log.lines(of: Self.told).map(\.level) == [.warning])
    }

    @Test("are waited for during a second")
    func silence() async throws {
        let others = FakeWorkers()
        let control = try control(beside: others)
        async let asking: Void = control.askForNamesakes(until: Gate())
        await until { timers.count == 1 }
        timers.advance(by: .seconds(1))
        await asking
        #expect(log.count(Self.told) == 0)
    }

    @Test("are waited for no longer when the worker stops")
    func stop() async throws {
        let others = FakeWorkers()
        let control = try control(beside: others)
        let stopping = Gate()
        async let asking: Void = control.askForNamesakes(until: stopping)
        await until { others.broadcasts.count == 1 }
        stopping.open()
        await asking
        #expect(log.count(Self.told) == 0)
    }
}

/// A broker whose workers' mailboxes can have the same name.
private final class SharedInbox: MessageBroker, SharedMailbox {
    private let base = FakeMailbox()
    private let others: FakeWorkers

    init(beside others: FakeWorkers) { self.others = others }

    var name: String { base.name }

    func publish(_ messages: [OutgoingMessage]) async throws { try await base.publish(messages) }

    func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer { try await base.consume(options) }

    func controlMailbox(for node: String, exchanges: ControlExchanges) -> (any ControlMailbox)? { self }

    func broadcast(
        _ request: OutgoingMessage, exchanges: ControlExchanges, until enough: Gate,
        sent: @escaping @Sendable () -> Void,
        receive: @escaping @Sendable (Result<WireMessage, MessageFault>) -> Void
    ) async throws {
        try await others.broadcast(request, exchanges: exchanges, until: enough, sent: sent, receive: receive)
    }

    func run(
        until stopping: Gate, onOpen: @escaping @Sendable () -> Void,
        receive: @escaping @Sendable (Result<WireMessage, MessageFault>) -> Void
    ) async {
        await base.run(until: stopping, onOpen: onOpen, receive: receive)
    }

    func close() async {}
}
