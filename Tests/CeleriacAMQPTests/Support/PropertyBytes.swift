#if AMQP

import CeleriacWire
import NIOCore

@testable import CeleriacAMQP

/// The property flags and list in the content header frame of a sent message.
enum PropertyBytes {
    static func encode(_ message: WireMessage, frameMax: Int = 4096) throws(AMQPError) -> [UInt8] {
        var out = ByteBuffer()
        try FrameWriter(pool: CodecPool(), frameMax: frameMax).write(message, channel: 1, to: &out)
        let header = Array(out.readableBytesView)
        // The offsets skip the frame header (7) and class, weight and body size (12), and leave out the end octet.
        let size = Int(header[3]) << 24 | Int(header[4]) << 16 | Int(header[5]) << 8 | Int(header[6])
        return Array(header[19..<(7 + size)])
    }
}

#endif
