import CeleriacWire
import Foundation
import TestSupport
import Testing

/// Literals, accessors and coding through other coders.
struct WireValueTests {
    @Test func literalsMakeTheKindTheyLookLike() {
        let value: WireValue = ["a": nil, "b": true, "c": 1, "d": 1.0, "e": "x", "f": [1, "y"]]
        #expect(value["a"] == .null)
        #expect(value["b"] == .bool(true))
        #expect(value["c"] == .int(1))
        #expect(value["d"] == .double(1))
        #expect(value["e"] == .string("x"))
        #expect(value["f"] == .array([.int(1), .string("y")]))
        #expect(value.objectValue?.keys == ["a", "b", "c", "d", "e", "f"])
        let twice: WireValue = ["a": 1, "a": 2]
        #expect(twice == ["a": 2])
    }

    @Test func accessGivesNilForOtherKinds() {
        let kinds: [WireValue] = [
            .null, .bool(true), .int(1), .number("9223372036854775808"), .double(1.5), .string("x"), .bytes([1]), [2],
            ["k": 3],
        ]
        #expect(kinds.map(\.isNull) == [true, false, false, false, false, false, false, false, false])
        #expect(kinds.map(\.boolValue) == [nil, true, nil, nil, nil, nil, nil, nil, nil])
        #expect(kinds.map(\.intValue) == [nil, nil, 1, nil, nil, nil, nil, nil, nil])
        #expect(kinds.map(\.int64Value) == [nil, nil, 1, nil, nil, nil, nil, nil, nil])
        #expect(kinds.map(\.doubleValue) == [nil, nil, 1, 9_223_372_036_854_775_808, 1.5, nil, nil, nil, nil])
        #expect(kinds.map(\.stringValue) == [nil, nil, nil, nil, nil, "x", nil, nil, nil])
        #expect(kinds.map(\.bytesValue) == [nil, nil, nil, nil, nil, nil, [1], nil, nil])
        #expect(kinds.map(\.arrayValue) == [nil, nil, nil, nil, nil, nil, nil, [2], nil])
        #expect(kinds.map(\.objectValue) == [nil, nil, nil, nil, nil, nil, nil, nil, ["k": 3]])
        #expect(kinds.map { $0["k"] } == [nil, nil, nil, nil, nil, nil, nil, nil, 3])
        #expect(kinds.map { $0[0] } == [nil, nil, nil, nil, nil, nil, nil, 2, nil])
        let array: WireValue = [1]
        #expect(array[1] == nil)
        #expect(array[-1] == nil)
        #expect(array[Int.max] == nil)
    }

    @Test func passesThroughFoundationsCoder() throws {
        let value: WireValue = ["a": [1, -2, "x", nil, true, 1.5, [:], []], "b": .number("18446744073709551615")]
        let data = try JSONEncoder().encode(value)
        let back = try JSONDecoder().decode(WireValue.self, from: data)
        #expect(back["a"] == value["a"])
        #expect(back["b"] == .number("18446744073709551615"))
    }

    @Test func passesThroughItsOwnCoderUnchanged() throws {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<200 {
            let value = WireValue.random(depth: 3, bytes: true, using: &generator)
            #expect(try WireEncoder().encode(value) == value)
            #expect(try WireDecoder().decode(WireValue.self, from: value) == value)
            let wrapped = try WireEncoder().encode(Wrapper(value: value, list: [value], maybe: value))
            #expect(wrapped["value"] == value && wrapped["list"] == [value])
            let back = try WireDecoder().decode(Wrapper.self, from: wrapped)
            #expect(back.value == value && back.list == [value])
        }
    }

    private struct Wrapper: Codable {
        var value: WireValue
        var list: [WireValue]
        var maybe: WireValue?
    }

    @Test func numbersOfAnySizeKeepTheirText() throws {
        let large = try #require(WireNumber("1180591620717411303424"))
        #expect(large.wireValue == .number("1180591620717411303424"))
        #expect(large.integer(Int.self) == nil)
        #expect(large.integer(Int128.self) == 1 << 70)
        #expect(WireNumber(Int128(1) << 70) == large)
        #expect(WireNumber(.number("1180591620717411303424")) == large)
        #expect(WireNumber(.double(1)) == nil)
        #expect(WireNumber("-0007")?.text == "-7")
        #expect(WireNumber("+5") == 5)
        #expect(WireNumber("-0") == 0)
        #expect(WireNumber("-0")?.wireValue == .int(0))
        for text in ["", "-", "+", "1.0", "1e5", "x", " 1", "1 ", "0x1", "--1", "٣"] {
            #expect(WireNumber(text) == nil, "\(text)")
        }
        // Through both kinds of coder.
        for number in [large, 5, WireNumber(Int64.min), WireNumber(UInt64.max)] {
            let value = try WireEncoder().encode([number])
            #expect(try WireDecoder().decode([WireNumber].self, from: value) == [number])
            let data = try JSONEncoder().encode([number])
            #expect(try JSONDecoder().decode([WireNumber].self, from: data) == [number])
        }
    }
}
