import CeleriacWire
import NIOCore

@testable import CeleriacAMQP

/// Gives bytes of a broker to a connection's state: to one that begins, or to one with a channel, a consumer, a publish
/// and calls that wait. Whether the bytes come at once or in pieces, the same follows.
func connection(_ input: [UInt8]) {
    guard let selector = input.first else { return }
    let input = Pieces(Array(input.dropFirst()))
    let whole = ConnectionRun(isOpen: selector & 1 == 0)
    whole.receive(input.whole)
    let parts = ConnectionRun(isOpen: selector & 1 == 0)
    for piece in input.pieces { parts.receive(Array(piece)) }
    whole.end()
    parts.end()
    // A NaN in a table differs from itself, and its text does not.
    require(
        whole.actions == parts.actions || "\(whole.actions)" == "\(parts.actions)",
        "bytes in pieces lead to something else:\n\(whole.actions)\n-- and --\n\(parts.actions)")
}

/// A connection's state without a socket, and what it wants done.
private final class ConnectionRun {
    private static let start = NIODeadline.uptimeNanoseconds(0)
    private(set) var actions: [ConnectionAction] = []
    private var state: AMQPConnectionState

    init(isOpen: Bool) {
        var configuration = AMQPConfiguration()
        configuration.maximumBodySize = 512
        state = AMQPConnectionState(configuration, now: Self.start)
        _ = state.start(now: Self.start)
        _ = state.connected(now: Self.start)
        if isOpen { open() }
    }

    private func open() {
        receive(Self.handshake)
        let opening = state.makeWaiterID()
        _ = state.openChannel(confirms: true, for: opening, now: Self.start)
        // channel.open-ok, confirm.select-ok
        receive([1, 0, 1, 0, 0, 0, 8, 0, 20, 0, 11, 0, 0, 0, 0, 0xCE, 1, 0, 1, 0, 0, 0, 4, 0, 85, 0, 11, 0xCE])
        let channel = ChannelID(number: 1, serial: state.lastChannelSerial)
        call(
            .basicConsume(queue: "q", consumerTag: "c", noAck: false, exclusive: false, arguments: [:]),
            .consume(consumerTag: "c", noAck: false), on: channel)
        // basic.consume-ok
        receive([1, 0, 1, 0, 0, 0, 6, 0, 60, 0, 21, 1, 0x63, 0xCE])
        let messages = ["a", "b"].map { AMQPPublish(routingKey: $0, mandatory: true, message: WireMessage()) }
        _ = state.publish(messages, on: channel, for: state.makeWaiterID(), now: Self.start)
        call(.queuePurge(queue: "q"), .reply(.queuePurgeOk), on: channel)
        call(.basicGet(queue: "q", noAck: false), .get(noAck: false), on: channel)
        _ = state.flush(now: Self.start)
        require(state.isOpen, "the connection that is to be tested is not open")
        actions = []
    }

    private func call(_ method: ClientMethod, _ kind: PendingCall.Kind, on channel: ChannelID) {
        _ = state.call(method, "a call", kind, on: channel, for: state.makeWaiterID(), now: Self.start)
    }

    func receive(_ bytes: [UInt8]) { actions += state.received(ByteBuffer(bytes: bytes), now: Self.start) }

    /// Ends the read, then the connection: nobody waits for ever.
    func end() {
        actions += state.readEnded(now: Self.start)
        actions += state.flush(now: Self.start)
        actions += state.transportClosed()
        require(!state.isReceiving, "a connection whose socket is closed is not closed")
        require(state.waiters.removeAll().isEmpty, "somebody still waits at a closed connection")
    }

    /// connection.start, connection.tune, connection.open-ok
    private static let handshake: [UInt8] =
        [1, 0, 0, 0, 0, 0, 25, 0, 10, 0, 10, 0, 9, 0, 0, 0, 0, 0, 0, 0, 5] + Array("PLAIN".utf8)
        + [0, 0, 0, 2] + Array("en".utf8) + [0xCE]
        + [1, 0, 0, 0, 0, 0, 12, 0, 10, 0, 30, 0, 0, 0, 0, 16, 0, 0, 0, 0xCE]
        + [1, 0, 0, 0, 0, 0, 5, 0, 10, 0, 41, 0, 0xCE]
}
