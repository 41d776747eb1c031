#if AMQP

import CeleriacWire
import NIOCore

@testable import CeleriacAMQP

/// A connection's state without a socket, with a clock that moves only when a test moves it.
final class StateHarness {
    static let start = NIODeadline.uptimeNanoseconds(0)
    static let header = ConnectionAction.write(ByteBuffer(bytes: Handshake.protocolHeader), reportsWritten: false)

    var now = StateHarness.start
    var state: AMQPConnectionState

    /// Creates a state whose socket is not connected yet.
    init(_ change: (inout AMQPConfiguration) -> Void = { _ in }) {
        var configuration = AMQPConfiguration()
        change(&configuration)
        state = AMQPConnectionState(configuration, now: Self.start)
    }

    /// Creates a state with an open connection.
    static func open(
        heartbeat: Int = 0, channelMax: Int = 0, _ change: (inout AMQPConfiguration) -> Void = { _ in }
    ) -> StateHarness {
        let harness = StateHarness(change)
        _ = harness.state.start(now: start)
        _ = harness.state.connected(now: start)
        _ = harness.receive(Peer.start)
        _ = harness.flush()
        _ = harness.receive(Peer.tune(channelMax: channelMax, heartbeat: heartbeat))
        _ = harness.flush()
        _ = harness.receive(Peer.openOk)
        return harness
    }

    /// Opens the channel with the next number.
    func channel(confirms: Bool = false) -> ChannelID {
        let waiter = state.makeWaiterID()
        _ = state.openChannel(confirms: confirms, for: waiter, now: now)
        _ = flush()
        let number = state.channels.count - 1
        let answers =
            Bytes.method(20, 11, channel: number, Bytes.u32(0))
            + (confirms ? Bytes.method(85, 11, channel: number) : [])
        for case .answer(waiter, .success(.channel(let id))) in receive(answers) { return id }
        return ChannelID(number: 0, serial: 0)
    }

    /// Starts the consumer `c` and confirms it.
    func consumer(on channel: ChannelID, noAck: Bool = false) -> WaiterID {
        let waiter = call(
            .basicConsume(queue: "q", consumerTag: "c", noAck: noAck, exclusive: false, arguments: [:]),
            .consume(consumerTag: "c", noAck: noAck), on: channel
        ).waiter
        _ = receive(Bytes.method(60, 21, channel: Int(channel.number), Bytes.short("c")))
        return waiter
    }

    func call(
        _ method: ClientMethod, _ kind: PendingCall.Kind, on channel: ChannelID
    ) -> (waiter: WaiterID, actions: [ConnectionAction]) {
        let waiter = state.makeWaiterID()
        let actions = state.call(method, "a call", kind, on: channel, for: waiter, now: now)
        return (waiter, actions + flush())
    }

    func purge(on channel: ChannelID) -> WaiterID {
        call(.queuePurge(queue: "q"), .reply(.queuePurgeOk), on: channel).waiter
    }

    func publish(_ keys: String..., on channel: ChannelID) -> (waiter: WaiterID, actions: [ConnectionAction]) {
        let waiter = state.makeWaiterID()
        let messages = keys.map { AMQPPublish(routingKey: $0, mandatory: true, message: WireMessage()) }
        let actions = state.publish(messages, on: channel, for: waiter, now: now)
        return (waiter, actions + flush())
    }

    // MARK: Inputs, at the harness's time. `#expect` cannot look into the state itself, which is not copyable.

    var isOpen: Bool { state.isOpen }
    func isOpen(_ channel: ChannelID) -> Bool { state.isOpen(channel) }
    func sharedChannel(_ kind: SharedChannels.Kind) -> ChannelID? { state.sharedChannel(kind) }
    func makeWaiterID() -> WaiterID { state.makeWaiterID() }
    func start() -> [ConnectionAction] { state.start(now: now) }
    func connected() -> [ConnectionAction] { state.connected(now: now) }
    func cancelHandshake() -> [ConnectionAction] { state.cancelHandshake() }
    func cancelWait(_ waiter: WaiterID) -> [ConnectionAction] { state.cancelWait(waiter) }
    func written() -> [ConnectionAction] { state.written() }
    func close() -> [ConnectionAction] { state.close(now: now) }
    func transportClosed() -> [ConnectionAction] { state.transportClosed() }

    func transportFailed(_ error: any Error, isTLS: Bool, isUncleanShutdown: Bool) -> [ConnectionAction] {
        state.transportFailed(error, isTLS: isTLS, isUncleanShutdown: isUncleanShutdown)
    }

    func timerFired(_ timer: ConnectionAction.Timer, now: NIODeadline? = nil) -> [ConnectionAction] {
        state.timerFired(timer, now: now ?? self.now)
    }

    func openChannel(confirms: Bool, for waiter: WaiterID) -> [ConnectionAction] {
        state.openChannel(confirms: confirms, for: waiter, now: now)
    }

    func openSharedChannel(_ kind: SharedChannels.Kind, for waiter: WaiterID) -> [ConnectionAction] {
        state.openSharedChannel(kind, for: waiter, now: now)
    }

    func closeChannel(_ channel: ChannelID, for waiter: WaiterID) -> [ConnectionAction] {
        state.closeChannel(channel, for: waiter, now: now)
    }

    func settle(_ settlements: [ChannelSettlement], on channel: ChannelID) -> [ConnectionAction] {
        state.settle(settlements, on: channel, now: now)
    }

    func receive(_ bytes: [UInt8]) -> [ConnectionAction] {
        state.received(ByteBuffer(bytes: bytes), now: now)
    }

    func readEnded() -> [ConnectionAction] { state.readEnded(now: now) }

    func flush() -> [ConnectionAction] { state.flush(now: now) }

    /// The action that writes these methods.
    static func write(_ methods: ClientMethod..., channel: UInt16 = 0) throws -> ConnectionAction {
        var out = ByteBuffer()
        let writer = FrameWriter(pool: CodecPool(), frameMax: 131_072)
        for method in methods { try writer.write(method, channel: channel, to: &out) }
        return .write(out, reportsWritten: false)
    }

    static func timeout(_ operation: String) -> AMQPError {
        AMQPError(.timeout, "The broker did not answer \(operation) within 60.0 seconds.")
    }
}

/// Frames from a broker.
enum Peer {
    static let start = Bytes.method(
        10, 10, [0, 9] + Bytes.table([]) + Bytes.long("PLAIN EXTERNAL") + Bytes.long("en_US"))
    static let openOk = Bytes.method(10, 41, [0])

    static func tune(channelMax: Int = 0, frameMax: Int = 131_072, heartbeat: Int = 0) -> [UInt8] {
        Bytes.method(10, 30, Bytes.u16(channelMax) + Bytes.u32(frameMax) + Bytes.u16(heartbeat))
    }

    static func close(_ code: Int, _ text: String, channel: Int = 0) -> [UInt8] {
        Bytes.method(
            channel == 0 ? 10 : 20, channel == 0 ? 50 : 40, channel: channel,
            Bytes.u16(code) + Bytes.short(text) + Bytes.u16(0) + Bytes.u16(0))
    }

    static func ack(_ tag: Int, multiple: Bool = false) -> [UInt8] {
        Bytes.method(60, 80, channel: 1, Bytes.u64(tag) + [multiple ? 1 : 0])
    }

    static func nack(_ tag: Int) -> [UInt8] { Bytes.method(60, 120, channel: 1, Bytes.u64(tag) + [0]) }

    static func deliver(_ tag: Int) -> [UInt8] {
        Bytes.method(60, 60, channel: 1, Bytes.short("c") + Bytes.u64(tag) + [0] + Bytes.short("") + Bytes.short("q"))
    }

    static func purgeOk(_ count: Int) -> [UInt8] { Bytes.method(50, 31, channel: 1, Bytes.u32(count)) }
}

#endif
