#if AMQP

internal import CRabbitMQ
internal import CeleriacWire
internal import NIOCore

/// Encodes methods and contents as frames, with librabbitmq for everything inside a frame.
struct FrameWriter {
    let pool: CodecPool
    /// The largest frame that the peer accepts, in bytes, overhead included.
    var frameMax: Int

    /// Appends a method frame.
    ///
    /// - Throws: `invalidMessage` if an argument does not fit; nothing was appended then.
    func write(_ method: ClientMethod, channel: UInt16, to out: inout ByteBuffer) throws(AMQPError) {
        var arguments = MethodArguments(pool: pool)
        defer { pool.recycle() }
        try arguments.encode(method) { (id, size, encode) throws(AMQPError) in
            try frame(.method, channel: channel, payloadBound: size + 4, to: &out) { payload in
                payload.storeBytes(of: id.rawValue.bigEndian, as: UInt32.self)
                let rest = amqp_bytes_t(len: payload.count - 4, bytes: payload.baseAddress.map { $0 + 4 })
                let count = encode(rest)
                return count < 0 ? nil : Int(count) + 4
            }
        }
    }

    /// Appends the content of a publish: a header frame with properties and headers, and the body in as many frames as
    /// it needs.
    ///
    /// - Throws: `invalidMessage` if the properties do not fit in a frame; nothing was appended then.
    func write(
        _ message: WireMessage, omitsEmptyHeaders: Bool = false, channel: UInt16, to out: inout ByteBuffer
    ) throws(AMQPError) {
        defer { pool.recycle() }
        var (properties, size) = try MessageCoding.properties(
            of: message, omitsEmptyHeaders: omitsEmptyHeaders, in: pool)
        let bodySize = UInt64(message.body.count)
        try frame(.header, channel: channel, payloadBound: size + 12, to: &out) { payload in
            payload.storeBytes(of: UInt32(0x003C_0000).bigEndian, as: UInt32.self)
            payload.storeBytes(of: bodySize.bigEndian, toByteOffset: 4, as: UInt64.self)
            let rest = amqp_bytes_t(len: payload.count - 12, bytes: payload.baseAddress.map { $0 + 12 })
            let count = amqp_encode_properties(0x3C, &properties, rest)
            return count < 0 ? nil : Int(count) + 12
        }
        message.body.withUnsafeBytes { body in
            let largest = frameMax - Frame.overhead
            var start = 0
            while start < body.count {
                let end = min(start + largest, body.count)
                writeBody(UnsafeRawBufferPointer(rebasing: body[start..<end]), channel: channel, to: &out)
                start = end
            }
        }
    }

    /// Appends a heartbeat frame.
    func writeHeartbeat(to out: inout ByteBuffer) {
        out.writeBytes([FrameKind.heartbeat.rawValue, 0, 0, 0, 0, 0, 0, Frame.end])
    }

    private func writeBody(_ part: UnsafeRawBufferPointer, channel: UInt16, to out: inout ByteBuffer) {
        out.writeWithUnsafeMutableBytes(minimumWritableBytes: part.count + Frame.overhead) { frame in
            Self.close(frame, .body, channel: channel, payloadSize: part.count)
            UnsafeMutableRawBufferPointer(rebasing: frame[7...]).copyMemory(from: part)
            return part.count + Frame.overhead
        }
    }

    /// Appends one frame. `encode` writes the payload and returns its size, or `nil` on failure.
    private func frame(
        _ kind: FrameKind, channel: UInt16, payloadBound: Int, to out: inout ByteBuffer,
        encode: (UnsafeMutableRawBufferPointer) -> Int?
    ) throws(AMQPError) {
        guard payloadBound <= frameMax - Frame.overhead else {
            throw .invalid(
                "its headers, properties or arguments need \(payloadBound) bytes, and the broker accepts frames of "
                    + "\(frameMax)")
        }
        let written = out.writeWithUnsafeMutableBytes(minimumWritableBytes: payloadBound + Frame.overhead) { frame in
            let payload = UnsafeMutableRawBufferPointer(rebasing: frame[7..<(payloadBound + 7)])
            guard let size = encode(payload), size <= payloadBound else { return 0 }
            Self.close(frame, kind, channel: channel, payloadSize: size)
            return size + Frame.overhead
        }
        guard written > 0 else { throw .invalid("librabbitmq cannot encode it") }
    }

    private static func close(
        _ frame: UnsafeMutableRawBufferPointer, _ kind: FrameKind, channel: UInt16, payloadSize: Int
    ) {
        frame[0] = kind.rawValue
        frame.storeBytes(of: channel.bigEndian, toByteOffset: 1, as: UInt16.self)
        frame.storeBytes(of: UInt32(truncatingIfNeeded: payloadSize).bigEndian, toByteOffset: 3, as: UInt32.self)
        frame[payloadSize + 7] = Frame.end
    }
}

#endif
