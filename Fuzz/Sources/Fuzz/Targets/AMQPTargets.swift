import CeleriacWire
import NIOCore

@testable import CeleriacAMQP

/// AMQP's frames and what is in them.
let amqpTargets: [FuzzTarget] = [
    FuzzTarget("amqp-frames") { frames($0) },
    FuzzTarget("amqp-method") { bytes in
        bytes.withUnsafeBytes { payload in
            let reader = MethodReader(pool: CodecPool())
            guard let (id, method) = try? reader.read(payload) else { return }
            guard let again = try? reader.read(payload) else { finding("\(id) cannot be read twice") }
            require(again.0 == id && again.1 == method || "\(again.1)" == "\(method)", "\(id) is read as another")
        }
    },
    // A property list that is one header table.
    FuzzTarget("amqp-table") { properties([0x20, 0x00] + $0) },
    FuzzTarget("amqp-properties") { properties($0) },
    FuzzTarget("amqp-connection") { connection($0) },
]

/// Splits bytes into frames and assembles contents, at once and as the bytes arrive: both give the same.
private func frames(_ input: [UInt8]) {
    let input = Pieces(input)
    var whole = FrameReading()
    whole.take(input.whole[...])
    var parts = FrameReading()
    for piece in input.pieces { parts.take(piece) }
    // A NaN in a table differs from itself, and its text does not.
    require(
        whole.log == parts.log || "\(whole.log)" == "\(parts.log)",
        "frames in pieces differ:\n\(whole.log)\n\(parts.log)")
}

/// What a connection does with the bytes of one channel's contents.
private struct FrameReading {
    enum Event: Equatable {
        case frame(FrameKind, channel: UInt16, size: Int)
        case method(MethodID, ServerMethod)
        case content(ServerMethod, WireMessage, AMQPDelivery.Defect?)
        case failure(AMQPError)
    }

    private(set) var log: [Event] = []
    private var unread: [UInt8] = []
    private var isBroken = false
    private let splitter = FrameSplitter(maximumFrameSize: 4096)
    private let pool = CodecPool()
    private var content = ContentAssembler(maximumBodySize: 512)

    mutating func take(_ piece: ArraySlice<UInt8>) {
        guard !isBroken else { return }
        let bytes = unread + piece
        var offset = 0
        do throws(AMQPError) {
            while let size = try takeFrame(in: bytes[offset...]) { offset += size }
        } catch {
            log.append(.failure(error))
            isBroken = true
        }
        unread = Array(bytes[offset...])
    }

    /// Takes the first frame and returns its size; nil if it is incomplete.
    private mutating func takeFrame(in bytes: ArraySlice<UInt8>) throws(AMQPError) -> Int? {
        try bytes.withUnsafeBytes { bytes in
            Result { () throws(AMQPError) in try takeFrame(at: bytes) }
        }.get()
    }

    private mutating func takeFrame(at bytes: UnsafeRawBufferPointer) throws(AMQPError) -> Int? {
        guard let frame = try splitter.firstFrame(in: bytes) else { return nil }
        require(frame.size <= 4096 && frame.size <= bytes.count, "a frame is larger than agreed")
        log.append(.frame(frame.kind, channel: frame.channel, size: frame.size))
        switch frame.kind {
        case .method:
            let (id, method) = try MethodReader(pool: pool).read(frame.payload)
            log.append(.method(id, method))
            if case .basicDeliver = method, content.isIdle { content.begin(method) }
        case .header: note(try content.header(frame.payload, pool: pool))
        case .body: note(try content.body(frame.payload))
        case .heartbeat: break
        }
        return frame.size
    }

    private mutating func note(_ content: ContentAssembler.Content?) {
        guard let content else { return }
        require(content.message.body.count <= 512, "a body is kept that is larger than accepted")
        log.append(.content(content.method, content.message, content.defect))
    }
}

/// Reads the properties of a message, and what is written of them again.
private func properties(_ bytes: [UInt8]) {
    let pool = CodecPool()
    guard let message = bytes.withUnsafeBytes({ try? MessageCoding.message(fromProperties: $0, pool: pool) }) else {
        return
    }
    var written = ByteBuffer()
    do throws(AMQPError) {
        try FrameWriter(pool: pool, frameMax: 131_072).write(message, channel: 1, to: &written)
    } catch {
        // Doubles that are not finite, and timestamps within headers past 63 bits, are read and not written.
        require(error.code == .invalidMessage && error.nothingSent, "properties are written with \(error)")
        require(written.readableBytes == 0, "a message was written although writing it failed")
        return
    }
    let again = written.withUnsafeReadableBytes { bytes -> WireMessage? in
        guard let frame = try? FrameSplitter(maximumFrameSize: 131_072).firstFrame(in: bytes) else { return nil }
        require(
            frame.kind == .header && frame.channel == 1 && frame.size == bytes.count, "properties are not one frame")
        return try? MessageCoding.message(
            fromProperties: UnsafeRawBufferPointer(rebasing: frame.payload.dropFirst(12)), pool: pool)
    }
    guard let again else { finding("written properties cannot be read: \(message)") }
    require(identical(message, again), "properties change: \(message) \(again)")
}
