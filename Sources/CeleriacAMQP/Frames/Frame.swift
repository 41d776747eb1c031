#if AMQP

/// A frame within received bytes. Its payload points into them and is valid as long as they are.
struct Frame {
    /// How many bytes surround the payload: type, channel and size before it, the end octet after it.
    static let overhead = 8
    /// The octet that ends every frame.
    static let end: UInt8 = 0xCE

    let kind: FrameKind
    let channel: UInt16
    let payload: UnsafeRawBufferPointer

    /// The size of the whole frame in bytes.
    var size: Int { payload.count + Self.overhead }
}

/// The frame types of AMQP 0-9-1.
enum FrameKind: UInt8 {
    case method = 1
    case header = 2
    case body = 3
    case heartbeat = 8
}

/// Splits received bytes into frames, and refuses invalid ones before any other code sees their payload.
struct FrameSplitter {
    /// The largest frame to accept, in bytes, overhead included: first the requested size, then the negotiated one.
    var maximumFrameSize: Int

    /// The frame at the start of `bytes`, or `nil` while it is incomplete.
    ///
    /// It judges a header as soon as its seven bytes are there, so that a peer cannot make us wait for, or keep, more
    /// than one frame of the negotiated size.
    func firstFrame(in bytes: UnsafeRawBufferPointer) throws(AMQPError) -> Frame? {
        guard bytes.count >= 7 else { return nil }
        guard let kind = FrameKind(rawValue: bytes[0]) else {
            if bytes.starts(with: [0x41, 0x4D, 0x51, 0x50]) {
                throw .violation("the peer speaks another version of AMQP than 0-9-1")
            }
            throw .violation("frame of unknown type \(bytes[0]), which no AMQP port sends")
        }
        let channel = UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 1, as: UInt16.self))
        let size = Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 3, as: UInt32.self)))
        guard size <= maximumFrameSize - Frame.overhead else {
            throw .violation(
                "frame of \(size) payload bytes, more than the \(maximumFrameSize) of a whole frame agreed")
        }
        guard bytes.count >= size + Frame.overhead else { return nil }
        guard bytes[size + 7] == Frame.end else {
            throw .violation("frame without its end octet")
        }
        return Frame(kind: kind, channel: channel, payload: UnsafeRawBufferPointer(rebasing: bytes[7..<(size + 7)]))
    }
}

extension AMQPError {
    /// The error for a peer that breaks AMQP 0-9-1.
    static func violation(_ what: String) -> AMQPError {
        AMQPError(.protocolViolation, "The peer broke the AMQP protocol: \(what).")
    }
}

#endif
