import CeleriacWire
import MachineryWire
import Testing

@Suite struct ArgumentTests {
    private var coding: any CallCoding { MachineryValueCoding().callCoding ?? Unavailable() }

    @Test func swiftTypesStandForGoTypes() throws {
        #expect(try MachineryArgument(5) == MachineryArgument(type: "int64", value: 5))
        #expect(try MachineryArgument(GoInt(5)) == MachineryArgument(type: "int", value: 5))
        #expect(try MachineryArgument(GoUInt(5)) == MachineryArgument(type: "uint", value: 5))
        #expect(try MachineryArgument(UInt64.max).value == .number("18446744073709551615"))
        #expect(try MachineryArgument(Int8(-5)).type == "int8")
        #expect(try MachineryArgument(Float(0.1)) == MachineryArgument(type: "float32", value: 0.1))
        #expect(try MachineryArgument(true).type == "bool")
        #expect(try MachineryArgument("x").type == "string")
        #expect(try MachineryArgument([UInt8](1...3)) == MachineryArgument(type: "[]byte", value: "AQID"))
        #expect(try MachineryArgument([1, 2]) == MachineryArgument(type: "[]int64", value: [1, 2]))
        #expect(try MachineryArgument([GoInt(1)]) == MachineryArgument(type: "[]int", value: [1]))
        #expect(try MachineryArgument([String]()) == MachineryArgument(type: "[]string", value: []))
    }

    @Test func swiftTypesWithoutGoTypeAreRefused() {
        #expect { try MachineryArgument(["a": 1]) } throws: { ($0 as? MachineryWireError)?.code == .unsupportedType }
        #expect { try MachineryArgument([[1]]) } throws: { ($0 as? MachineryWireError)?.code == .unsupportedType }
        #expect { try MachineryArgument(Int?.some(1)) } throws: {
            ($0 as? MachineryWireError)?.code == .unsupportedType
        }
        #expect { try MachineryArgument(Double.nan) } throws: { ($0 as? MachineryWireError)?.code == .nonFinite }
    }

    @Test func valuesWithoutTypesGetOne() throws {
        #expect(try MachineryArgument(untyped: 5).type == "int64")
        #expect(try MachineryArgument(untyped: .number("18446744073709551615")).type == "uint64")
        #expect(try MachineryArgument(untyped: 1.5).type == "float64")
        #expect(try MachineryArgument(untyped: ["a"]).type == "[]string")
        #expect(try MachineryArgument(untyped: .bytes([1])) == MachineryArgument(type: "[]byte", value: "AQ=="))
        for value: WireValue in [nil, [:], [], [["a"]], [1, "a"]] {
            #expect {
                try MachineryArgument(untyped: value)
            } throws: {
                ($0 as? MachineryWireError)?.code == (value[0] == 1 ? .valueMismatch : .unsupportedType)
            }
        }
    }

    @Test(
        arguments: [
            ("int8", 300), ("uint8", -1), ("uint", -1), ("int64", .number("9223372036854775808")), ("float32", 1e300),
            ("[]int16", [1, 70000]), ("uint64", .number("18446744073709551616")), ("[]uint8", [256]),
        ] as [(String, WireValue)])
    func numbersThatDoNotFitAreRefused(_ type: String, _ value: WireValue) {
        #expect { try MachineryArgument(type: type, value: value).validate() } throws: {
            ($0 as? MachineryWireError)?.code == .valueOutOfRange
        }
    }

    @Test(
        arguments: [
            ("int64", "x"), ("int64", nil), ("int64", 1.5), ("bool", "true"), ("string", 5), ("[]int64", 5),
            ("[]bool", true), ("[]string", [:]), ("[]int", "abc"), ("[]byte", "***"), ("float64", "1"),
        ] as [(String, WireValue)])
    func valuesOfOtherTypesAreRefused(_ type: String, _ value: WireValue) {
        #expect { try MachineryArgument(type: type, value: value).validate() } throws: {
            ($0 as? MachineryWireError)?.code == .valueMismatch
        }
    }

    @Test func headersThatAreNotTextAreRefused() {
        var inner = MachinerySignature(name: "b")
        inner.headers = ["n": 5]
        var signature = MachinerySignature(name: "a")
        signature.headers = ["s": "x", "b": true, "null": .null]
        #expect(throws: Never.self) { try signature.validate() }
        signature.onError = [inner]
        #expect { try signature.validate() } throws: { ($0 as? MachineryWireError)?.code == .unsupportedHeader }
    }

    private func converted(_ type: String, _ value: WireValue) throws -> WireValue? {
        try MachinerySignature(name: "", args: [MachineryArgument(type: type, value: value)]).convertedArguments()
            .first?.value
    }

    @Test func argumentsAreConvertedAsGoDoes() throws {
        #expect(try converted("int8", 300) == 44)
        #expect(try converted("uint16", 65_537) == 1)
        #expect(try converted("uint64", .number("18446744073709551615")) == .number("18446744073709551615"))
        #expect(try converted("float64", 3) == .double(3))
        #expect(try converted("float32", .number("0.1")) == .double(0.1))
        #expect(try converted("[]int64", nil) == [])
        #expect(try converted("[]byte", "AQID") == .bytes([1, 2, 3]))
        #expect(try converted("[]uint8", [1, 2, 255]) == .bytes([1, 2, 255]))
        #expect(try converted("[]uint16", "AQI=") == [1, 2])
        #expect(try converted("[]string", [:]) == [])
    }

    @Test(
        arguments: [
            (
                "int64", .number("9223372036854775808"),
                #"strconv.ParseInt: parsing "9223372036854775808": value out of range"#
            ),
            (
                "int64", .number("-9223372036854775809"),
                #"strconv.ParseInt: parsing "-9223372036854775809": value out of range"#
            ),
            (
                "uint64", .number("18446744073709551616"),
                #"strconv.ParseUint: parsing "18446744073709551616": value out of range"#
            ),
            ("float64", .number("1e999"), #"strconv.ParseFloat: parsing "1e999": value out of range"#),
            ("string", 5, "5 is not string"), ("bool", [1, "a"], "[1 a] is not bool"),
            ("string", ["b": 1, "a": nil], "map[a:<nil> b:1] is not string"),
            ("[]string", "abc", "97 is not string"),
            ("[]bool", true, "reflect: call of reflect.Value.Len on bool Value"),
            ("[]byte", "AQ*D", "illegal base64 data at input byte 2"),
            ("error", 1, "error is not one of supported types"),
        ] as [(String, WireValue, String)])
    func failedConversionsHaveGosText(_ type: String, _ value: WireValue, _ text: String) {
        #expect { try converted(type, value) } throws: {
            ($0 as? CallError)?.text == "Reflect task args error: " + text
        }
    }

    @Test func callsTakeExactlyTheirTypes() throws {
        let argument = MachineryArgument(type: "int", value: 5).wireValue
        #expect(try coding.decodeArgument(GoInt.self, from: argument) == 5)
        #expect { try coding.decodeArgument(Int.self, from: argument) } throws: {
            ($0 as? CallError)?.text == "reflect: Call using int as type int64"
        }
        let bytes = MachineryArgument(type: "[]byte", value: .bytes([1]))
        #expect(try coding.decodeArgument([UInt8].self, from: bytes.wireValue) == [1])
        #expect { try coding.decodeArgument(String.self, from: bytes.wireValue) } throws: {
            ($0 as? CallError)?.text == "reflect: Call using []uint8 as type string"
        }
        #expect(coding.text(of: .tooFewArguments) == "reflect: Call with too few input arguments")
    }

    @Test func resultsNameTheirTypes() throws {
        #expect(try coding.encodeResults([]) == [])
        #expect(
            try coding.encodeResults([3, "x", [UInt8](1...2)])
                == [
                    ["Type": "int64", "Value": 3], ["Type": "string", "Value": "x"],
                    ["Type": "[]uint8", "Value": "AQI="],
                ])
        #expect(try coding.decodeResult([UInt8].self, from: ["Type": "[]uint8", "Value": "AQI="]) == [1, 2])
        #expect { try coding.decodeResult(Int.self, from: ["Type": "common.Point", "Value": ["X": 1]]) } throws: {
            ($0 as? CallError)?.text == "common.Point is not one of supported types"
        }
    }
}

/// Stands in for a missing call coding, and fails every expectation.
private struct Unavailable: CallCoding {
    func encodeArgument<Value: Encodable>(_ value: Value) throws -> WireValue { .null }
    func decodeArgument<Value: Decodable>(_ type: Value.Type, from value: WireValue) throws -> Value {
        throw CallError("")
    }
    func encodeResults(_ values: [any Encodable]) throws -> WireValue { .null }
    func results(in value: WireValue) throws -> [WireValue] { [] }
    func decodeResult<Value: Decodable>(_ type: Value.Type, from value: WireValue) throws -> Value {
        throw CallError("")
    }
    func text(of mismatch: CallMismatch) -> String { "" }
}
