#if AMQP

internal import NIOCore

/// Names a caller who waits for an answer. Numbers grow in the order in which the callers came.
typealias WaiterID = UInt64

/// Names a channel: numbers are used again, serials are not.
struct ChannelID: Hashable, Sendable {
    let number: UInt16
    let serial: UInt64
}

/// What a connection asks its driver to do. The driver obeys in the order in which it gets them.
enum ConnectionAction: Equatable, Sendable {
    /// What a caller gets.
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
        /// Limits how long the broker may take to agree to the end.
        case close
        case heartbeat
        /// Fires at the deadline of the caller who has waited longest.
        case reply
    }

    /// What is worth a line in the log.
    enum Notice: Equatable, Sendable {
        case blocked(reason: String)
        case unblocked
        case brokenOff(AMQPError)
    }

    /// Write these bytes and flush. With `reportsWritten`, call `written()` once the operating system has taken them.
    case write(ByteBuffer, reportsWritten: Bool)
    /// Call `flush(now:)` at the end of this turn of the event loop.
    case flushLater
    /// Give a caller the answer.
    case answer(WaiterID, Result<Answer, AMQPError>)
    /// Tell a consumer, which bears the name of the caller who started it.
    case deliver([AMQPConsumerEvent], to: WaiterID)
    /// Forget a consumer: nothing more comes for it.
    case dropConsumer(WaiterID)
    /// Tell the users of a channel that it can no longer be used.
    case channelEnded(ChannelID, AMQPError)
    /// Call `timerFired(_:now:)` then; a timer of the same name that is running is replaced.
    case schedule(Timer, at: NIODeadline)
    case cancel(Timer)
    /// Tell whoever connected that the connection is open.
    case opened
    /// Cancel every timer, close the socket, and tell everyone who listens that the connection has ended.
    case ended(AMQPError)
    case log(Notice)
}

#endif
