import CeleriacCore
import CeleriacWire
import NIOConcurrencyHelpers

/// A broker that only records what is published, and can be out of reach.
final class RecordingBroker: MessageBroker {
    private struct State {
        var sent: [WireObject] = []
        /// How many more messages are taken before it is down.
        var room = Int.max
        var failures = 0
    }
    private let state = NIOLockedValueBox(State())

    var name: String { "recording" }

    /// The bodies that were published.
    var sent: [WireObject] { state.withLockedValue { $0.sent } }

    /// The names of the tasks that were published.
    var tasks: [String] { sent.compactMap { $0["name"]?.stringValue } }

    /// How often somebody failed to reach it.
    var failures: Int { state.withLockedValue { $0.failures } }

    func set(isDown: Bool) { setRoom(isDown ? 0 : .max) }

    /// Goes down after so many more messages.
    func setRoom(_ room: Int) { state.withLockedValue { $0.room = room } }

    func publish(_ messages: [OutgoingMessage]) async throws {
        let bodies = try messages.compactMap { try WireJSON.decode($0.message.body).objectValue }
        try state.withLockedValue { state in
            guard state.room >= bodies.count else {
                state.failures += 1
                throw CeleriacError(.unavailable, "down")
            }
            state.room -= bodies.count
            state.sent += bodies
        }
    }

    func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
        throw CeleriacError(.unsupported, "nothing to consume")
    }

    func close() async {}
}
