import CeleriacCore
import CeleriacWire

/// A worker's connection for remote control and events, beside that of its queues.
protocol CeleryMailbox: Sendable {
    /// Takes requests until `stopping` opens, whatever happens to the connection meanwhile, then gives up what it declared.
    func run(until stopping: Gate, receive: @escaping @Sendable (Result<WireMessage, MessageFault>) -> Void) async

    /// Publishes events (exchange ``CeleryEvent/exchange``) and replies. Nobody may be there to get them: that is no error.
    func publish(_ messages: [OutgoingMessage]) async throws

    /// Closes the connection.
    func close() async
}
