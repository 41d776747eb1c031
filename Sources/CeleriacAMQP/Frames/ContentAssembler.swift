#if AMQP

internal import CeleriacWire

/// Assembles the frames of one channel's contents: a method that carries content, a header frame, body frames.
struct ContentAssembler {
    /// A method with its complete content.
    struct Content {
        let method: ServerMethod
        let message: WireMessage
        let defect: AMQPDelivery.Defect?
    }

    /// The largest body to keep, in bytes.
    private let maximumBodySize: Int
    private var method: ServerMethod?
    private var message: WireMessage?
    private var defect: AMQPDelivery.Defect?
    private var remaining: UInt64 = 0
    /// Whether the body is too large to keep.
    private var dropsBody = false

    init(maximumBodySize: Int) {
        self.maximumBodySize = maximumBodySize
    }

    /// Whether no content is in progress, so that a method may arrive.
    var isIdle: Bool { method == nil }

    /// Starts with a method that carries content.
    mutating func begin(_ method: ServerMethod) {
        self.method = method
    }

    /// Processes the payload of a header frame. Undecodable properties make the delivery defective but do not end the
    /// connection, because the broker would redeliver the same message after a reconnect.
    mutating func header(_ payload: UnsafeRawBufferPointer, pool: CodecPool) throws(AMQPError) -> Content? {
        guard method != nil, message == nil else { throw .violation("a content header out of place") }
        guard payload.count >= 14, payload[0] == 0, payload[1] == 0x3C else {
            throw .violation("a content header that does not belong to a message")
        }
        remaining = UInt64(bigEndian: payload.loadUnaligned(fromByteOffset: 4, as: UInt64.self))
        let properties = UnsafeRawBufferPointer(rebasing: payload[12...])
        do {
            message = try MessageCoding.message(fromProperties: properties, pool: pool)
        } catch {
            message = WireMessage()
            defect = AMQPDelivery.Defect(
                reason: error.message, propertyBytes: Array(properties), isBodyMissing: false)
        }
        // A returned message is one that was sent; its body identifies it.
        let isReturn = if case .basicReturn = method { true } else { false }
        dropsBody = remaining > UInt64(maximumBodySize) && !isReturn
        if dropsBody {
            defect = AMQPDelivery.Defect(
                reason: "The body of \(remaining) bytes is larger than the \(maximumBodySize) bytes that are accepted.",
                propertyBytes: Array(properties), isBodyMissing: true)
        } else if remaining > 0 {
            // Beyond a frame or two, memory for the claimed size is allocated only as the body arrives.
            message?.body.reserveCapacity(Int(min(remaining, 1 << 18)))
        }
        return finished()
    }

    /// Processes the payload of a body frame.
    mutating func body(_ payload: UnsafeRawBufferPointer) throws(AMQPError) -> Content? {
        guard message != nil, UInt64(payload.count) <= remaining else {
            throw .violation("a content body out of place, or longer than its header says")
        }
        if !dropsBody { message?.body.append(contentsOf: payload) }
        remaining -= UInt64(payload.count)
        return finished()
    }

    private mutating func finished() -> Content? {
        guard remaining == 0, let method, let message else { return nil }
        let content = Content(method: method, message: message, defect: defect)
        self.method = nil
        self.message = nil
        defect = nil
        return content
    }
}

#endif
