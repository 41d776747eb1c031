#if AMQP

import Foundation
import Testing

@testable import CeleriacAMQP

struct TableInspectorTests {
    private func inspect(_ bytes: [UInt8]) throws -> Int {
        try bytes.withUnsafeBytes { try TableInspector.endOfTable(in: $0, at: 0) }
    }

    /// One field of every type.
    static let everyType: [UInt8] = Bytes.table(
        Bytes.short("t") + [UInt8(ascii: "t"), 1]
            + Bytes.short("b") + [UInt8(ascii: "b"), 0xFF] + Bytes.short("B") + [UInt8(ascii: "B"), 0xFF]
            + Bytes.short("s") + [UInt8(ascii: "s"), 0xFF, 0xFE] + Bytes.short("u") + [UInt8(ascii: "u"), 0xFF, 0xFE]
            + Bytes.short("I") + [UInt8(ascii: "I")] + Bytes.u32(-3) + Bytes.short("i") + [UInt8(ascii: "i")]
            + Bytes.u32(-3) + Bytes.short("L") + [UInt8(ascii: "L")] + Bytes.u64(-5_000_000_000)
            + Bytes.short("l") + [UInt8(ascii: "l")] + Bytes.u64(-5_000_000_000)
            + Bytes.short("f") + [UInt8(ascii: "f"), 0x3F, 0xC0, 0, 0]
            + Bytes.short("d") + [UInt8(ascii: "d"), 0x3F, 0xF8, 0, 0, 0, 0, 0, 0]
            + Bytes.short("D") + [UInt8(ascii: "D"), 2] + Bytes.u32(-1234)
            + Bytes.short("T") + [UInt8(ascii: "T")] + Bytes.u64(9)
            + Bytes.short("V") + [UInt8(ascii: "V")] + Bytes.short("S") + [UInt8(ascii: "S")] + Bytes.long("é")
            + Bytes.short("x") + [UInt8(ascii: "x")] + Bytes.u32(2) + [0xFF, 0xFE]
            + Bytes.short("A") + [UInt8(ascii: "A")] + Bytes.table([UInt8(ascii: "V"), UInt8(ascii: "t"), 0])
            + Bytes.short("F") + [UInt8(ascii: "F")] + Bytes.table(Bytes.short("") + [UInt8(ascii: "V")]))

    @Test("A table with every type is walked to its end")
    func everyType() throws {
        #expect(try inspect(Self.everyType) == Self.everyType.count)
        #expect(try inspect(Self.everyType + [1, 2, 3]) == Self.everyType.count)
        #expect(try inspect(Bytes.table([])) == 4)
    }

    @Test("No prefix of a table passes")
    func truncated() {
        for end in 0..<Self.everyType.count {
            #expect(throws: AMQPError.self) { try inspect(Array(Self.everyType[..<end])) }
        }
    }

    @Test("No shortened length passes, since a value may not extend beyond its table")
    func innerOverrun() {
        for size in 0..<(Self.everyType.count - 4) {
            let bytes = Bytes.u32(size) + Self.everyType.dropFirst(4)
            // A cut between two fields gives a shorter table, which ends where the length says.
            if let end = try? inspect(bytes) { #expect(end == size + 4) }
        }
    }

    @Test("Nesting up to 32 levels passes; deeper nesting does not")
    func depth() throws {
        #expect(try inspect(Bytes.nestedTables(32)) == Bytes.nestedTables(32).count)
        let error = #expect(throws: AMQPError.self) { try inspect(Bytes.nestedTables(33)) }
        #expect(error?.message.contains("nested deeper than 32") == true)
        var arrays = Bytes.table([])
        for _ in 0..<31 { arrays = Bytes.table([UInt8(ascii: "A")] + arrays) }
        #expect(throws: AMQPError.self) { try inspect(Bytes.table(Bytes.short("a") + [UInt8(ascii: "A")] + arrays)) }
    }

    @Test("Random bytes never crash the walk, and tables that pass can be decoded")
    func random() {
        var generator = SystemRandomNumberGenerator()
        let letters = Array("tbBsuIiLlfdDSATFVxZ".utf8)
        let pool = CodecPool()
        for _ in 0..<20_000 {
            let fields = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                Bool.random() ? letters.randomElement() ?? 0 : UInt8.random(in: 0...4, using: &generator)
            }
            let bytes = Bytes.u16(0x2000) + Bytes.table(fields)
            let passes = (try? inspect(Array(bytes.dropFirst(2)))) != nil
            let decoded = bytes.withUnsafeBytes { try? MessageCoding.message(fromProperties: $0, pool: pool) }
            if !passes { #expect(decoded == nil) }
        }
    }

    @Test("5,000 nested tables are refused on a thread with a stack of 512 KiB")
    func smallStack() async {
        let properties = Bytes.u16(0x2000) + Bytes.nestedTables(5000)
        #expect(properties.count > 30_000)
        let error: AMQPError? = await withCheckedContinuation { continuation in
            let thread = Thread {
                do {
                    _ = try properties.withUnsafeBytes {
                        try MessageCoding.message(fromProperties: $0, pool: CodecPool())
                    }
                    continuation.resume(returning: nil)
                } catch {
                    continuation.resume(returning: error as? AMQPError)
                }
            }
            thread.stackSize = 512 << 10
            thread.start()
        }
        #expect(error?.message.contains("nested deeper than 32") == true)
    }
}

#endif
