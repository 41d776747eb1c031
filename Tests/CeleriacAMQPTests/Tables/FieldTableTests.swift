#if AMQP

import CeleriacWire
import Testing

@testable import CeleriacAMQP

struct FieldTableTests {
    let pool = CodecPool()

    private func decode(_ table: [UInt8]) throws -> WireObject {
        try (Bytes.u16(0x2000) + table).withUnsafeBytes {
            try MessageCoding.message(fromProperties: $0, pool: pool).headers
        }
    }

    private func encode(_ object: WireObject) throws -> [UInt8] {
        Array(try PropertyBytes.encode(WireMessage(headers: object)).dropFirst(2))
    }

    @Test("Every type that RabbitMQ delivers is read")
    func reading() throws {
        let object = try decode(TableInspectorTests.everyType)
        #expect(
            object == [
                "t": .bool(true), "b": .int(-1), "B": .int(255), "s": .int(-2), "u": .int(65534), "I": .int(-3),
                "i": .int(4_294_967_293), "L": .int(-5_000_000_000), "l": .int(-5_000_000_000), "f": .double(1.5),
                "d": .double(1.5), "D": .number("-12.34"), "T": .int(9), "V": .null, "S": .string("é"),
                "x": .bytes([0xFF, 0xFE]), "A": .array([.null, .bool(false)]), "F": .object(["": .null]),
            ])
        #expect(Array(object.keys.prefix(3)) == ["t", "b", "B"])
    }

    @Test(
        "Decimals keep their places",
        arguments: [(2, -1234, "-12.34"), (5, 42, "0.00042"), (1, 0, "0.0"), (3, -1, "-0.001")])
    func decimals(places: Int, digits: Int, text: String) throws {
        let bytes = Bytes.table(Bytes.short("k") + [UInt8(ascii: "D")] + Bytes.u8(places) + Bytes.u32(digits))
        #expect(try decode(bytes) == ["k": .number(text)])
        #expect(try encode(["k": .number(text)]) == bytes)
    }

    @Test("A decimal without places is an integer; a timestamp over 63 bits is a number")
    func numbers() throws {
        let decimal = Bytes.table(Bytes.short("k") + [UInt8(ascii: "D"), 0] + Bytes.u32(7))
        #expect(try decode(decimal) == ["k": .int(7)])
        let timestamp = Bytes.table(Bytes.short("k") + [UInt8(ascii: "T")] + Bytes.u64(-1))
        #expect(try decode(timestamp) == ["k": .number("18446744073709551615")])
    }

    @Test("Text that is not UTF-8 becomes bytes")
    func notText() throws {
        let bytes = Bytes.table(Bytes.short("k") + [UInt8(ascii: "S")] + Bytes.u32(2) + [0xFF, 0xFE])
        #expect(try decode(bytes) == ["k": .bytes([0xFF, 0xFE])])
    }

    @Test("A name that is not UTF-8 is refused; two that differ only in Unicode composition are two")
    func names() throws {
        #expect(throws: AMQPError.self) { try decode(Bytes.table([2, 0xFF, 0xFE, UInt8(ascii: "V")])) }
        let table = try decode(
            Bytes.table(Bytes.short("\u{E9}") + [UInt8(ascii: "V")] + Bytes.short("e\u{301}") + [UInt8(ascii: "t"), 1]))
        #expect(table["\u{E9}"] == .null && table["e\u{301}"] == .bool(true))
    }

    @Test("A name that occurs twice has its last value")
    func duplicate() throws {
        let bytes = Bytes.table(
            Bytes.short("k") + [UInt8(ascii: "t"), 0] + Bytes.short("o") + [UInt8(ascii: "V")] + Bytes.short("k")
                + [UInt8(ascii: "t"), 1])
        #expect(try decode(bytes) == ["k": .bool(true), "o": .null])
    }

    @Test("Types are written as py-amqp writes them")
    func writing() throws {
        let object: WireObject = [
            "s": .string("é"), "n": .null, "b": .bool(true), "i": .int(-2_147_483_648), "l": .int(2_147_483_648),
            "d": .double(1.5), "a": .array([.int(1), .null]), "o": .object([:]), "x": .bytes([1]),
            "e": .string(""), "y": .bytes([]), "z": .array([]),
        ]
        let expected = Bytes.table(
            Bytes.short("s") + [UInt8(ascii: "S")] + Bytes.long("é") + Bytes.short("n") + [UInt8(ascii: "V")]
                + Bytes.short("b") + [UInt8(ascii: "t"), 1]
                + Bytes.short("i") + [UInt8(ascii: "I")] + Bytes.u32(-2_147_483_648)
                + Bytes.short("l") + [UInt8(ascii: "l")] + Bytes.u64(2_147_483_648)
                + Bytes.short("d") + [UInt8(ascii: "d"), 0x3F, 0xF8, 0, 0, 0, 0, 0, 0]
                + Bytes.short("a") + [UInt8(ascii: "A")]
                + Bytes.table([UInt8(ascii: "I"), 0, 0, 0, 1, UInt8(ascii: "V")])
                + Bytes.short("o") + [UInt8(ascii: "F")] + Bytes.table([])
                + Bytes.short("x") + [UInt8(ascii: "x")] + Bytes.u32(1) + [1]
                + Bytes.short("e") + [UInt8(ascii: "S")] + Bytes.u32(0)
                + Bytes.short("y") + [UInt8(ascii: "x")] + Bytes.u32(0)
                + Bytes.short("z") + [UInt8(ascii: "A")] + Bytes.table([]))
        #expect(try encode(object) == expected)
        #expect(try decode(expected) == object)
    }

    static let nested33: WireValue = (0..<33).reduce(.null) { inner, _ in .object(["a": inner]) }

    @Test(
        "Values that AMQP cannot carry, or that make RabbitMQ close the connection, are refused before sending",
        arguments: [
            WireValue.double(.nan), .double(.infinity), .number("1180591620717411303424"), .number("12.3.4"),
            .number("99999999999.5"), .array([.double(-.infinity)]), nested33,
            .object([String(repeating: "k", count: 256): .null]),
            .string(String(repeating: "x", count: 5000)),
        ])
    func refused(value: WireValue) {
        let error = #expect(throws: AMQPError.self) { try encode(["k": value]) }
        #expect(error?.code == .invalidMessage)
        #expect(error?.nothingSent == true)
    }

    @Test("32 levels are written and read back")
    func depth() throws {
        let deepest: WireValue = (0..<31).reduce(.null) { inner, level in
            level % 2 == 0 ? .object(["a": inner]) : .array([inner])
        }
        #expect(try decode(encode(["k": deepest])) == ["k": deepest])
    }
}

#endif
