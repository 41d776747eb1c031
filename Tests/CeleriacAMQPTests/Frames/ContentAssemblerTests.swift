#if AMQP

import CeleriacWire
import Testing

@testable import CeleriacAMQP

struct ContentAssemblerTests {
    let pool = CodecPool()
    let deliver = ServerMethod.basicDeliver(
        consumerTag: "c", deliveryTag: 1, redelivered: false, exchange: "", routingKey: "q")

    private func header(bodySize: Int, properties: [UInt8] = [0, 0]) -> [UInt8] {
        Bytes.u16(60) + Bytes.u16(0) + Bytes.u64(bodySize) + properties
    }

    @Test("A body is assembled from any number of frames")
    func parts() throws {
        let body = (0..<10).map { UInt8($0) }
        for first in 0...10 {
            for second in first...10 {
                var assembler = ContentAssembler(maximumBodySize: 10)
                assembler.begin(deliver)
                #expect(try header(bodySize: 10).withUnsafeBytes { try assembler.header($0, pool: pool) } == nil)
                let contents = try [body[..<first], body[first..<second], body[second...]].filter { !$0.isEmpty }
                    .compactMap { part in try part.withUnsafeBytes { try assembler.body($0) } }
                #expect(contents.map(\.message.body) == [body])
                #expect(contents.first?.method == deliver)
                #expect(contents.first?.defect == nil)
                #expect(assembler.isIdle)
            }
        }
    }

    @Test("A message without body is complete with its header")
    func empty() throws {
        var assembler = ContentAssembler(maximumBodySize: 10)
        assembler.begin(deliver)
        let content = try header(bodySize: 0).withUnsafeBytes { try assembler.header($0, pool: pool) }
        #expect(content?.message.body == [])
        #expect(assembler.isIdle)
    }

    @Test("Undecodable properties make a message defective, and their bytes are kept")
    func defect() throws {
        let properties = Bytes.u16(0x2000) + Bytes.nestedTables(5000)
        var assembler = ContentAssembler(maximumBodySize: 10)
        assembler.begin(deliver)
        #expect(
            try header(bodySize: 1, properties: properties).withUnsafeBytes { try assembler.header($0, pool: pool) }
                == nil)
        let content = try [UInt8(7)].withUnsafeBytes { try assembler.body($0) }
        #expect(content?.message.body == [7])
        #expect(content?.message.headers.isEmpty == true)
        #expect(content?.defect?.reason.contains("nested deeper than 32") == true)
        #expect(content?.defect?.propertyBytes == properties)
    }

    @Test("A body over the limit is dropped as it arrives, and the message says so")
    func tooLarge() throws {
        var assembler = ContentAssembler(maximumBodySize: 3)
        assembler.begin(deliver)
        #expect(try header(bodySize: 4).withUnsafeBytes { try assembler.header($0, pool: pool) } == nil)
        #expect(try [UInt8(1), 2].withUnsafeBytes { try assembler.body($0) } == nil)
        let content = try [UInt8(3), 4].withUnsafeBytes { try assembler.body($0) }
        #expect(content?.message.body == [])
        #expect(content?.defect?.reason.contains("4 bytes is larger than the 3") == true)
        // The next message is not affected.
        assembler.begin(deliver)
        _ = try header(bodySize: 3).withUnsafeBytes { try assembler.header($0, pool: pool) }
        let next = try [UInt8(1), 2, 3].withUnsafeBytes { try assembler.body($0) }
        #expect(next?.message.body == [1, 2, 3])
        #expect(next?.defect == nil)
    }

    @Test("A header that claims an enormous body allocates nothing for it")
    func enormousClaim() throws {
        var assembler = ContentAssembler(maximumBodySize: .max)
        assembler.begin(deliver)
        #expect(try header(bodySize: -1).withUnsafeBytes { try assembler.header($0, pool: pool) } == nil)
        #expect(try [UInt8(1)].withUnsafeBytes { try assembler.body($0) } == nil)
    }

    @Test("Frames out of place are refused")
    func outOfPlace() throws {
        var assembler = ContentAssembler(maximumBodySize: 10)
        #expect(throws: AMQPError.self) {
            try header(bodySize: 0).withUnsafeBytes { _ = try assembler.header($0, pool: pool) }
        }
        #expect(throws: AMQPError.self) { try [UInt8(1)].withUnsafeBytes { _ = try assembler.body($0) } }
        assembler.begin(deliver)
        #expect(throws: AMQPError.self) { try [UInt8(1)].withUnsafeBytes { _ = try assembler.body($0) } }
        #expect(throws: AMQPError.self) {
            try [UInt8(1), 2].withUnsafeBytes { _ = try assembler.header($0, pool: pool) }
        }
        _ = try header(bodySize: 1).withUnsafeBytes { try assembler.header($0, pool: pool) }
        #expect(throws: AMQPError.self) { try [UInt8(1), 2].withUnsafeBytes { _ = try assembler.body($0) } }
        #expect(throws: AMQPError.self) {
            try header(bodySize: 1).withUnsafeBytes { _ = try assembler.header($0, pool: pool) }
        }
    }
}

#endif
