#if AMQP

/// One frame inside received bytes: its payload points into them and is valid as long as they are.
struct Frame {
    /// Bytes around the payload: type, channel and size before it, the end octet after it.
    static let overhead = 8
    /// The octet that ends every frame.
    static let end: UInt8 = 0xCE

    let kind: FrameKind
    let channel: UInt16
    let payload: UnsafeRawBufferPointer

    /// Bytes of the whole frame.
    var size: Int { payload.count + Self.overhead }
}

#endif
