import CeleriacCore
import CeleriacWire
import NIOConcurrencyHelpers

/// A broker in memory that supports remote control, and the mailbox of its only worker.
final class FakeMailbox: MessageBroker, ControlMailbox {
    private struct State {
        var receive: (@Sendable (Result<WireMessage, MessageFault>) -> Void)?
        var published: [OutgoingMessage] = []
        var failures = 0
    }
    private let broker = MemoryBroker()
    private let state = NIOLockedValueBox(State())
    private let opened = Gate()
    private let mayOpen: Gate?

    /// - Parameter mayOpen: until when nothing reaches the inbox; nil if it is open at once.
    init(mayOpen: Gate? = nil) { self.mayOpen = mayOpen }

    // MARK: As a test sees it

    /// The messages published so far.
    var published: [OutgoingMessage] { state.withLockedValue { $0.published } }

    /// Lets the next publications fail.
    func fail(_ count: Int) { state.withLockedValue { $0.failures = count } }

    /// Delivers a request.
    func deliver(_ message: Result<WireMessage, MessageFault>) async {
        await opened.wait()
        state.withLockedValue { $0.receive }?(message)
    }

    // MARK: As a broker

    var name: String { "fake" }

    func publish(_ messages: [OutgoingMessage]) async throws {
        guard messages.contains(where: { !$0.exchange.isEmpty }) else { return try await broker.publish(messages) }
        try state.withLockedValue { state in
            if state.failures > 0 {
                state.failures -= 1
                throw CeleriacError(.unavailable, "out of reach")
            }
            state.published += messages
        }
    }

    func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
        FixedConsumer(base: try await broker.consume(options))
    }

    func controlMailbox(for node: String, exchanges: ControlExchanges) -> (any ControlMailbox)? { self }

    var brokerDescription: BrokerDescription {
        BrokerDescription(transport: "fake", host: "there", port: 7, user: "me")
    }

    // MARK: As a mailbox

    func run(
        until stopping: Gate, onOpen: @escaping @Sendable () -> Void,
        receive: @escaping @Sendable (Result<WireMessage, MessageFault>) -> Void
    ) async {
        state.withLockedValue { $0.receive = receive }
        opened.open()
        await mayOpen?.wait()
        onOpen()
        await stopping.wait()
    }

    func close() async {}
}

/// A consumer that cannot change its queues.
private struct FixedConsumer: MessageConsumer {
    let base: any MessageConsumer

    func next(atMost limit: Int) async throws -> [Delivery] { try await base.next(atMost: limit) }
    func settle(_ settlements: [Settlement]) async throws { try await base.settle(settlements) }
    func giveBack(_ receipts: [Receipt]) async throws { try await base.giveBack(receipts) }
    func stop() async { await base.stop() }
    func close() async throws { try await base.close() }
}
