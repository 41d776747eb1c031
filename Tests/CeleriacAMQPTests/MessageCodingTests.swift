#if AMQP

import CeleriacWire
import Foundation
import NIOCore
import Testing

@testable import CeleriacAMQP

struct MessageCodingTests {
    struct Golden: CustomTestStringConvertible {
        let name: String
        let bytes: [UInt8]
        var testDescription: String { name }
    }

    static let golden: [Golden] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/properties.txt")
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { line in
            let parts = line.split(separator: " ")
            return parts.count == 2 ? Golden(name: String(parts[0]), bytes: Bytes.hex(parts[1])) : nil
        }
    }()

    private func decode(_ bytes: [UInt8]) throws -> WireMessage {
        try bytes.withUnsafeBytes { try MessageCoding.message(fromProperties: $0, pool: CodecPool()) }
    }

    @Test("The fixture exists")
    func inventory() {
        #expect(Self.golden.count == 19)
    }

    @Test("Messages from real Python producers are read and rewritten byte by byte", arguments: golden)
    func reproduced(capture: Golden) throws {
        let message = try decode(capture.bytes)
        #expect(message.properties.contentType != nil)
        #expect(try PropertyBytes.encode(message) == capture.bytes)
    }

    @Test("The values of a Celery task message are decoded")
    func celeryTask() throws {
        let bytes = try #require(Self.golden.first { $0.name == "p2.amqp.add#0" }).bytes
        let message = try decode(bytes)
        #expect(message.properties.contentType == "application/json")
        #expect(message.properties.contentEncoding == "utf-8")
        #expect(message.properties.deliveryMode == 2)
        #expect(message.properties.priority == 0)
        #expect(message.properties.correlationID == "11111111-1111-4111-8111-111111111111")
        #expect(message.properties.replyTo == "6887f9cc-1f4f-3ff3-be7b-da93928a5968")
        #expect(message.properties.expiration == nil)
        #expect(message.headers["task"] == .string("capapp.add"))
        #expect(message.headers["eta"] == .null)
        #expect(message.headers["retries"] == .int(0))
        #expect(message.headers["timelimit"] == .array([.null, .null]))
        #expect(message.headers["ignore_result"] == .bool(false))
        #expect(message.headers["stamps"] == .object([:]))
        #expect(message.headers.keys.first == "lang")
        #expect(message.headers.keys.last == "stamps")
    }

    @Test("Every property survives a round trip")
    func everyProperty() throws {
        var message = WireMessage(headers: ["h": .int(1)])
        message.properties = MessageProperties(
            contentType: "text/plain", contentEncoding: "binary", deliveryMode: 1, priority: 255, correlationID: "ç",
            replyTo: "", expiration: "60000")
        message.properties.messageID = "m"
        message.properties.timestamp = .max
        message.properties.type = "t"
        message.properties.userID = "guest"
        message.properties.appID = "a"
        let bytes = try PropertyBytes.encode(message)
        #expect(bytes.prefix(2) == [0xFF, 0xF8])
        #expect(try decode(bytes) == message)
    }

    @Test("No prefix of a property list is read past its end")
    func truncated() {
        for capture in Self.golden.prefix(3) {
            for end in 0..<capture.bytes.count {
                #expect(throws: AMQPError.self) { try decode(Array(capture.bytes[..<end])) }
            }
        }
    }

    @Test("A flipped bit gives another message or a protocol violation")
    func mutated() {
        var refused = 0
        for capture in Self.golden.prefix(3) {
            for index in capture.bytes.indices {
                for bit in 0..<8 {
                    var bytes = capture.bytes
                    bytes[index] ^= 1 << UInt8(bit)
                    do {
                        let message = try decode(bytes)
                        // The comparison is by bytes, since a number may have become NaN, which equals nothing.
                        let again = try PropertyBytes.encode(message)
                        #expect(try PropertyBytes.encode(decode(again)) == again)
                    } catch {
                        let code = (error as? AMQPError)?.code
                        #expect(code == .protocolViolation || code == .invalidMessage)
                        refused += 1
                    }
                }
            }
        }
        #expect(refused > 0)
    }

    @Test("Flags beyond the fourteen properties, and properties that are not UTF-8, are refused")
    func refused() {
        #expect(throws: AMQPError.self) { try decode([0x00, 0x01, 0x00, 0x00]) }
        #expect(throws: AMQPError.self) { try decode([0x00, 0x02]) }
        #expect(throws: AMQPError.self) { try decode([0x04, 0x00, 2, 0xFF, 0xFE]) }
    }

    @Test("A text property over 255 bytes is refused by name")
    func tooLong() {
        let message = WireMessage(properties: MessageProperties(correlationID: String(repeating: "x", count: 256)))
        let error = #expect(throws: AMQPError.self) { try PropertyBytes.encode(message) }
        #expect(error?.code == .invalidMessage)
        #expect(error?.message.contains("correlation id") == true)
    }

    @Test("A body is cut into frames of the negotiated size", arguments: [0, 1, 4087, 4088, 4089, 8176, 8177, 20_000])
    func bodyFrames(size: Int) throws {
        let body = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
        var out = ByteBuffer()
        try FrameWriter(pool: CodecPool(), frameMax: 4096).write(WireMessage(body: body), channel: 3, to: &out)
        let splitter = FrameSplitter(maximumFrameSize: 4096)
        var assembler = ContentAssembler(maximumBodySize: size)
        assembler.begin(.plain(.basicGetOk))
        var read: [UInt8]?
        var rest = Array(out.readableBytesView)
        while !rest.isEmpty {
            let length = try rest.withUnsafeBytes { bytes in
                let frame = try #require(try splitter.firstFrame(in: bytes))
                #expect(frame.channel == 3)
                let content =
                    frame.kind == .header
                    ? try assembler.header(frame.payload, pool: CodecPool()) : try assembler.body(frame.payload)
                if let content { read = content.message.body }
                return frame.size
            }
            rest.removeFirst(length)
        }
        #expect(read == body)
    }
}

#endif
