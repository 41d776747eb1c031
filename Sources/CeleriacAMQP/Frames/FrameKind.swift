#if AMQP

/// The frame types of AMQP 0-9-1.
enum FrameKind: UInt8 {
    case method = 1
    case header = 2
    case body = 3
    case heartbeat = 8
}

#endif
