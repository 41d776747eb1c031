import CeleriacBridge
import CeleriacWire
import MachineryWire
import Testing

@Suite struct ValueTranslationTests {
    /// A value at one side, and what it is at the other.
    struct Pair: Sendable, CustomTestStringConvertible {
        let value: WireValue
        let type: String?
        let argument: MachineryArgument

        init(_ value: WireValue, _ type: String? = nil, is goType: String, _ goValue: WireValue) {
            self.value = value
            self.type = type
            argument = MachineryArgument(type: goType, value: goValue)
        }

        var testDescription: String { "\(type ?? "untyped") \(argument.type)" }
    }

    static let towardsGo: [Pair] = [
        Pair(true, is: "bool", true),
        Pair(3, is: "int64", 3),
        Pair(.int(.min), is: "int64", .int(.min)),
        Pair(.number("18446744073709551615"), is: "uint64", .number("18446744073709551615")),
        Pair(1.5, is: "float64", 1.5),
        Pair("é", is: "string", "é"),
        Pair(["__type__": "bytes", "__value__": "hi"], is: "[]byte", "aGk="),
        Pair(["__type__": "base64", "__value__": "/w=="], is: "[]byte", "/w=="),
        Pair(.bytes([255]), is: "[]byte", "/w=="),
        Pair([1, 2], is: "[]int64", [1, 2]),
        Pair(["a", "b"], is: "[]string", ["a", "b"]),
        Pair(3, "int8", is: "int8", 3),
        Pair(3, "float64", is: "float64", 3),
        Pair(3, "uint64", is: "uint64", 3),
        Pair([], "[]string", is: "[]string", []),
        Pair(nil, "[]int64", is: "[]int64", []),
        Pair([1, 2], "[]byte", is: "[]byte", [1, 2]),
    ]

    @Test(arguments: towardsGo) func celeryValueGetsItsGoType(_ pair: Pair) throws {
        #expect(try ValueTranslation().argument(of: pair.value, type: pair.type, "it") == pair.argument)
    }

    static let refused: [(value: WireValue, type: String?, reason: String)] = [
        (nil, nil, "null"),
        (nil, "int64", "null"),
        ([nil], "[]string", "null"),
        (.number("18446744073709551616"), nil, "integerOverflow"),
        ([.number("18446744073709551616")], nil, "integerOverflow"),
        (.number("18446744073709551615"), "int64", "valueOutOfRange"),
        (-1, "uint64", "valueOutOfRange"),
        (300, "int8", "valueOutOfRange"),
        (1.0, "int64", "fraction"),
        ("1", "int64", "valueMismatch"),
        (1, "string", "valueMismatch"),
        ("aGk=", "[]byte", "valueMismatch"),
        (1, "[]int64", "valueMismatch"),
        ([], nil, "emptyList"),
        ([[1]], nil, "unsupportedType"),
        (["a": 1], nil, "unsupportedType"),
        (["__type__": "datetime", "__value__": "2026-01-01T00:00:00"], nil, "unsupportedType"),
        (.double(.nan), nil, "nonFinite"),
        ([1, "a"], nil, "valueMismatch"),
        (1, "complex128", "unsupportedType"),
    ]

    @Test(arguments: refused.indices) func valueThatWouldChangeIsRefused(_ index: Int) throws {
        let (value, type, expected) = Self.refused[index]
        #expect(reason { _ = try ValueTranslation().argument(of: value, type: type, "it") } == expected)
    }

    @Test func changesAreMadeOnRequestOnly() throws {
        let lenient = ValueTranslation([.wholeFloats, .nullAsZero])
        #expect(try lenient.argument(of: 2.0, type: "int64", "it").value == 2)
        #expect(try lenient.argument(of: nil, type: "string", "it").value == "")
        #expect(try lenient.argument(of: nil, type: "uint8", "it").value == 0)
        #expect(reason { _ = try lenient.argument(of: 2.5, type: "int64", "it") } == "fraction")
        #expect(reason { _ = try lenient.argument(of: nil, type: nil, "it") } == "null")
    }

    static let towardsPython: [Pair] = [
        Pair(true, is: "bool", true),
        Pair(3, is: "int8", 3),
        Pair(.number("18446744073709551615"), is: "uint64", .number("18446744073709551615")),
        Pair(.int(.max), is: "int64", .int(.max)),
        Pair(3.0, is: "float64", 3),
        Pair([1.0, 2.5], is: "[]float64", [1, 2.5]),
        Pair("x", is: "string", "x"),
        Pair(["__type__": "bytes", "__value__": "hi"], is: "[]byte", "aGk="),
        Pair(["__type__": "bytes", "__value__": "hi"], is: "[]uint8", "aGk="),
        Pair(["__type__": "bytes", "__value__": "hi"], is: "[]byte", [104, 105]),
        Pair(["__type__": "base64", "__value__": "/w=="], is: "[]byte", "/w=="),
        Pair([], is: "[]string", nil),
        Pair(["a"], is: "[]string", ["a"]),
    ]

    @Test(arguments: towardsPython) func goValueGetsItsPythonForm(_ pair: Pair) throws {
        #expect(try ValueTranslation().value(of: pair.argument, "it") == pair.value)
    }

    @Test(arguments: [
        (MachineryArgument(type: "int8", value: 300), "valueOutOfRange"),
        (MachineryArgument(type: "int64", value: nil), "valueMismatch"),
        (MachineryArgument(type: "map", value: [:]), "unsupportedType"),
        (MachineryArgument(type: "[]byte", value: "?"), "valueMismatch"),
    ]) func goValueThatGoWouldChangeIsRefused(_ argument: MachineryArgument, _ expected: String) {
        #expect(reason { _ = try ValueTranslation().value(of: argument, "it") } == expected)
    }
}
