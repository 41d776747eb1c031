#if AMQP

internal import NIOCore

/// Identifies a caller that waits for an answer. Ids grow in the order of the calls.
typealias WaiterID = UInt64

/// Identifies a channel: numbers are reused, serials are not.
struct ChannelID: Hashable, Sendable {
    let number: UInt16
    let serial: UInt64
}

/// An action for the connection's driver. The driver carries out actions in the order in which it gets them.
enum ConnectionAction: Equatable, Sendable {
    /// The answer for a caller.
    enum Answer: Equatable, Sendable {
        case method(ServerMethod)
        case outcomes([AMQPPublishOutcome])
        case message(AMQPDelivery)
        case channel(ChannelID)
    }

    /// The timers of a connection.
    enum Timer: Hashable, Sendable, CaseIterable {
        /// Limits how long connecting and the handshake may take.
        case connect
        /// Limits how long the broker may take to agree to the close.
        case close
        case heartbeat
        /// Fires at the deadline of the caller that has waited longest.
        case reply
    }

    /// An event that is worth logging.
    enum Notice: Equatable, Sendable {
        case blocked(reason: String)
        case unblocked
        case brokenOff(AMQPError)
    }

    /// Write these bytes and flush. With `reportsWritten`, call `written()` once the operating system has taken them.
    case write(ByteBuffer, reportsWritten: Bool)
    /// Call `flush(now:)` at the end of this turn of the event loop.
    case flushLater
    /// Give a caller its answer.
    case answer(WaiterID, Result<Answer, AMQPError>)
    /// Tell a consumer, which is identified by the caller that started it.
    case deliver([AMQPConsumerEvent], to: WaiterID)
    /// Forget a consumer: it gets no further events.
    case dropConsumer(WaiterID)
    /// Tell the users of a channel that it can no longer be used.
    case channelEnded(ChannelID, AMQPError)
    /// Call `timerFired(_:now:)` at that time. This replaces a running timer of the same name.
    case schedule(Timer, at: NIODeadline)
    case cancel(Timer)
    /// Report that the connection is open.
    case opened
    /// Cancel every timer, close the socket, and report the end of the connection to all listeners.
    case ended(AMQPError)
    case log(Notice)
}

#endif
