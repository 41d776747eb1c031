import NIOCore

/// The methods in recorded bytes of an AMQP connection.
enum AMQPMethods {
    /// Calls `body` with each whole method frame: its channel, its class and method, and the bytes of its arguments. What a
    /// client has sent begins with the protocol header, which is no frame.
    static func forEach(
        in bytes: ArraySlice<UInt8>, _ body: (UInt16, (UInt16, UInt16), inout ByteBuffer) -> Void
    ) {
        var buffer = ByteBuffer(bytes: bytes)
        while let (kind, channel, size) = buffer.readMultipleIntegers(as: (UInt8, UInt16, UInt32).self),
            var payload = buffer.readSlice(length: Int(size)), buffer.readInteger(as: UInt8.self) != nil
        {
            guard kind == 1, let method = payload.readMultipleIntegers(as: (UInt16, UInt16).self) else { continue }
            body(channel, method, &payload)
        }
    }
}
