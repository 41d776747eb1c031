import CeleriacWire
import TestSupport
import Testing

/// MessagePack, compared with bytes of Python's `msgpack` 1.2 (`packb(…, use_bin_type=True)`).
struct MessagePackTests {
    static let python: [(WireValue, String)] = [
        (nil, "c0"), (true, "c3"), (false, "c2"),
        (0, "00"), (127, "7f"), (128, "cc80"), (255, "ccff"), (256, "cd0100"), (65535, "cdffff"), (65536, "ce00010000"),
        (4_294_967_295, "ceffffffff"), (4_294_967_296, "cf0000000100000000"), (.int(.max), "cf7fffffffffffffff"),
        (.number("9223372036854775808"), "cf8000000000000000"), (.number("18446744073709551615"), "cfffffffffffffffff"),
        (-1, "ff"), (-32, "e0"), (-33, "d0df"), (-128, "d080"), (-129, "d1ff7f"), (-32768, "d18000"),
        (-32769, "d2ffff7fff"), (-2_147_483_648, "d280000000"), (-2_147_483_649, "d3ffffffff7fffffff"),
        (.int(.min), "d38000000000000000"),
        (1.5, "cb3ff8000000000000"), (0.1, "cb3fb999999999999a"), (.double(.infinity), "cb7ff0000000000000"),
        (.double(-0.0), "cb8000000000000000"),
        ("", "a0"), ("a", "a161"), ("é😀", "a6c3a9f09f9880"),
        (.string(String(repeating: "x", count: 31)), "bf" + String(repeating: "78", count: 31)),
        (.string(String(repeating: "x", count: 32)), "d920" + String(repeating: "78", count: 32)),
        (.bytes([]), "c400"), (.bytes([0xff, 0]), "c402ff00"),
        ([], "90"), ([1, "a"], "9201a161"), (.array((0..<15).map { .int($0) }), "9f000102030405060708090a0b0c0d0e"),
        (.array((0..<16).map { .int($0) }), "dc0010000102030405060708090a0b0c0d0e0f"),
        ([:], "80"), (["a": 1, "b": [nil, ["c": .bytes([0x78])]]], "82a16101a16292c081a163c40178"),
        (
            [[2, 3], [:], ["callbacks": nil, "errbacks": nil, "chain": nil, "chord": nil]],
            "939202038084a963616c6c6261636b73c0a86572726261636b73c0a5636861696ec0a563686f7264c0"
        ),
    ]

    @Test(arguments: python) func readsAndWritesAsPython(value: WireValue, hex: String) throws {
        let bytes = [UInt8](hex: hex)
        #expect(try WireMessagePack.encode(value) == bytes)
        #expect(try WireMessagePack.decode(bytes) == value)
    }

    static let otherForms: [(String, WireValue)] = [
        // Forms longer than needed, which other writers may send.
        ("d90161", "a"), ("da000161", "a"), ("db0000000161", "a"), ("c50001ff", .bytes([0xff])),
        ("c600000001ff", .bytes([0xff])), ("dc000101", [1]), ("dd0000000101", [1]), ("de0001a16101", ["a": 1]),
        ("df00000001a16101", ["a": 1]), ("df00000000", [:]), ("cc01", 1), ("cd0001", 1), ("ce00000001", 1),
        ("cf0000000000000001", 1), ("d0ff", -1), ("d1ffff", -1), ("d2ffffffff", -1), ("d3ffffffffffffffff", -1),
        ("81d90161c3", ["a": true]), ("81da000161c3", ["a": true]), ("81db0000000161c3", ["a": true]),
        // 32-bit floats, and the last of equal keys.
        ("ca3f800000", 1.0), ("ca7f800000", .double(.infinity)), ("82a16101a16102", ["a": 2]),
    ]

    @Test(arguments: otherForms) func readsOtherForms(hex: String, value: WireValue) throws {
        #expect(try WireMessagePack.decode([UInt8](hex: hex)) == value)
    }

    static let refused: [(String, WireError.Code)] = [
        ("", .truncated), ("0102", .trailingBytes), ("c0c0", .trailingBytes), ("c1", .malformed), ("91c1", .malformed),
        // Keys that are not text.
        ("810102", .nonStringKey), ("81c4016101", .nonStringKey), ("81c001", .nonStringKey), ("819001", .nonStringKey),
        // Extension types and timestamps.
        ("d40500", .unsupported), ("d5050000", .unsupported), ("d6ff00000000", .unsupported),
        ("d7ff0000000000000000", .unsupported), ("d805" + String(repeating: "00", count: 16), .unsupported),
        ("c70005", .unsupported), ("c8000005", .unsupported), ("c90000000005", .unsupported),
        ("91c70005", .unsupported),
        // Text that is not UTF-8.
        ("a2c328", .invalidUTF8), ("81a1ff01", .invalidUTF8), ("d902eda0", .invalidUTF8),
        // Counts beyond the end of the input.
        ("ddffffffff", .truncated), ("dfffffffff", .truncated), ("dbffffffff", .truncated), ("c6ffffffff", .truncated),
        ("dcffff00", .truncated), ("82a16101", .truncated), ("9201", .truncated),
    ]

    @Test(arguments: refused) func refuses(hex: String, code: WireError.Code) {
        let error = wireError { () throws(WireError) in _ = try WireMessagePack.decode([UInt8](hex: hex)) }
        #expect(error?.code == code)
    }

    @Test func roundTripsRandomValues() throws {
        var generator = SeededGenerator(seed: 8)
        for _ in 0..<2000 {
            let value = WireValue.random(depth: 4, bytes: true, using: &generator)
            let bytes = try WireMessagePack.encode(value)
            #expect(try WireMessagePack.decode(bytes) == value)
        }
    }

    @Test func roundTripsLongParts() throws {
        for count in [255, 256, 65535, 65536, 70_000] {
            let value: WireValue = [
                .string(String(repeating: "y", count: count)), .bytes([UInt8](repeating: 9, count: count)),
                .array([WireValue](repeating: nil, count: count)),
                .object(WireObject((0..<count).map { ("\($0)", WireValue.int(Int64($0))) })),
            ]
            #expect(try WireMessagePack.decode(try WireMessagePack.encode(value)) == value)
        }
    }

    @Test func refusesEveryPrefixAndSurvivesEveryChange() throws {
        var generator = SeededGenerator(seed: 9)
        for _ in 0..<60 {
            let whole = try WireMessagePack.encode([.random(depth: 4, bytes: true, using: &generator)])
            for count in 0..<whole.count {
                let error = wireError { () throws(WireError) in _ = try WireMessagePack.decode(Array(whole[..<count])) }
                #expect(error?.code == .truncated || error?.code == .invalidUTF8)
            }
        }
        var codes: Set<WireError.Code> = []
        var accepted = 0
        for _ in 0..<20_000 {
            var bytes = (0..<Int.random(in: 1...40, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            bytes[0] = [0x92, 0x82, 0xdc, 0xdf, 0xd9][Int.random(in: 0..<5, using: &generator)]
            do throws(WireError) {
                let written = try WireMessagePack.encode(WireMessagePack.decode(bytes))
                #expect(try WireMessagePack.encode(WireMessagePack.decode(written)) == written)
                accepted += 1
            } catch {
                codes.insert(error.code)
            }
        }
        #expect(accepted > 0)
        #expect(
            codes == [.malformed, .truncated, .trailingBytes, .invalidUTF8, .unsupported, .nonStringKey])
    }

    static let bombs: [String] = ["91", "81a161", "dc0001", "df00000001a0"]

    @Test(arguments: bombs) func refusesDepthOnASmallStack(unit: String) {
        let bomb = [UInt8](hex: String(repeating: unit, count: 100_000))
        let error = onSmallStack { wireError { () throws(WireError) in _ = try WireMessagePack.decode(bomb) } }
        #expect(error??.code == .tooDeep)
    }

    @Test func keepsTheLimits() throws {
        let most = [UInt8](repeating: 0x91, count: 127) + [0x90]
        #expect(try WireMessagePack.encode(try WireMessagePack.decode(most)) == most)
        let deep = wireError { () throws(WireError) in _ = try WireMessagePack.decode([0x91] + most) }
        #expect(deep?.code == .tooDeep)
        let many = wireError { () throws(WireError) in
            _ = try WireMessagePack.decode([UInt8](hex: "93010203"), limits: WireLimits(maximumTokens: 3))
        }
        #expect(many?.code == .tooManyValues)
        let large = wireError { () throws(WireError) in
            _ = try WireMessagePack.decode([UInt8](hex: "93010203"), limits: WireLimits(maximumMessageBytes: 3))
        }
        #expect(large?.code == .tooLarge)
        var value = WireValue.array([])
        for _ in 0..<128 { value = [value] }
        let tooDeep = value
        let error = wireError { () throws(WireError) in _ = try WireMessagePack.encode(tooDeep) }
        #expect(error?.code == .tooDeep)
    }

    @Test func refusesNumbersPast64Bits() {
        for text in ["18446744073709551616", "-9223372036854775809", "1180591620717411303424", "x"] {
            let error = wireError { () throws(WireError) in _ = try WireMessagePack.encode(.number(text)) }
            #expect(error?.code == .invalidNumber)
        }
    }
}
