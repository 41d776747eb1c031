#if AMQP

/// What both sides agreed on in `connection.tune`.
struct Negotiated: Equatable {
    /// The highest channel number.
    var channelMax: UInt16
    /// The largest frame, in bytes, overhead included.
    var frameMax: Int
    /// Seconds of the longest silence; zero for no heartbeats.
    var heartbeat: UInt16
}

#endif
