import CeleriacCore

/// An eager broker as its worker uses it.
struct MachineryEagerWorkerSide: Broker {
    let broker: MachineryEagerBroker

    var name: String { broker.name }

    func publish(_ messages: [OutgoingMessage]) async throws { try await broker.hand(over: messages) }

    func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer { try await broker.consume(options) }

    func close() async { await broker.close() }
}
