#if AMQP

import Testing

@testable import CeleriacAMQP

struct FrameSplitterTests {
    struct Found: Equatable {
        var kind: FrameKind
        var channel: UInt16
        var payload: [UInt8]
    }

    let splitter = FrameSplitter(maximumFrameSize: 4096)
    let stream =
        Bytes.method(10, 30, [1, 2, 3]) + Bytes.frame(8, channel: 0, [])
        + Bytes.header(channel: 7, bodySize: 3) + Bytes.body(channel: 65535, [0xCE, 0xCE, 0xCE])
    let frames = [
        Found(kind: .method, channel: 0, payload: [0, 10, 0, 30, 1, 2, 3]),
        Found(kind: .heartbeat, channel: 0, payload: []),
        Found(kind: .header, channel: 7, payload: [0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0]),
        Found(kind: .body, channel: 65535, payload: [0xCE, 0xCE, 0xCE]),
    ]

    /// Feeds the bytes in the given parts and cuts off each frame as soon as it is complete.
    private func split(_ parts: [ArraySlice<UInt8>]) throws -> [Found] {
        var found: [Found] = []
        var buffer: [UInt8] = []
        for part in parts {
            buffer += part
            while true {
                let frame = try buffer.withUnsafeBytes { bytes in
                    try splitter.firstFrame(in: bytes).map {
                        (Found(kind: $0.kind, channel: $0.channel, payload: Array($0.payload)), $0.size)
                    }
                }
                guard let (frame, size) = frame else { break }
                found.append(frame)
                buffer.removeFirst(size)
            }
        }
        #expect(buffer.isEmpty)
        return found
    }

    @Test("Frames are found at any read boundaries")
    func everySplitPoint() throws {
        for first in 0...stream.count {
            for second in first...stream.count {
                let parts = [stream[..<first], stream[first..<second], stream[second...]]
                #expect(try split(parts) == frames)
            }
        }
    }

    @Test("Byte by byte")
    func byteByByte() throws {
        #expect(try split(stream.indices.map { stream[$0...$0] }) == frames)
    }

    @Test(
        "An invalid frame is refused as soon as its header is complete",
        arguments: [
            ("unknown type 4", [4, 0, 0, 0, 0, 0, 0]),
            ("another version", Array("AMQP".utf8) + [0, 0, 9]),
            ("unknown type 72", Array("HTTP/1.1 400".utf8)),
            ("frame of 4089 payload bytes", [1, 0, 0, 0, 0, 0x0F, 0xF9]),
            ("frame of 4294967295 payload bytes", [3, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]),
            ("without its end octet", [8, 0, 0, 0, 0, 0, 0, 0xCD]),
        ])
    func refused(expected: String, bytes: [UInt8]) {
        let error = #expect(throws: AMQPError.self) {
            try bytes.withUnsafeBytes { _ = try splitter.firstFrame(in: $0) }
        }
        #expect(error?.code == .protocolViolation)
        #expect(error?.message.contains(expected) == true)
    }

    @Test("A frame of exactly the negotiated size is accepted")
    func largest() throws {
        let payload = [UInt8](repeating: 1, count: 4096 - 8)
        #expect(try split([Bytes.body(channel: 1, payload)[...]]).first?.payload == payload)
    }
}

#endif
