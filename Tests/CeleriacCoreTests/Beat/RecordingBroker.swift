import CeleriacCore
import CeleriacWire
import NIOConcurrencyHelpers

/// A broker that only writes down what is published, and can be out of reach.
final class RecordingBroker: Broker {
    private struct State {
        var sent: [WireObject] = []
        var isDown = false
        var failures = 0
    }
    private let state = NIOLockedValueBox(State())

    var name: String { "recording" }

    /// The bodies that were published.
    var sent: [WireObject] { state.withLockedValue { $0.sent } }

    /// The names of the tasks that were published.
    var tasks: [String] { sent.compactMap { $0["name"]?.stringValue } }

    /// How often it was not reached.
    var failures: Int { state.withLockedValue { $0.failures } }

    func set(isDown: Bool) { state.withLockedValue { $0.isDown = isDown } }

    func publish(_ messages: [OutgoingMessage]) async throws {
        let bodies = try messages.compactMap { try JSON.decode($0.message.body).objectValue }
        try state.withLockedValue { state in
            if state.isDown {
                state.failures += 1
                throw CeleriacError(.unavailable, "down")
            }
            state.sent += bodies
        }
    }

    func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
        throw CeleriacError(.unsupported, "nothing to consume")
    }

    func close() async {}
}
