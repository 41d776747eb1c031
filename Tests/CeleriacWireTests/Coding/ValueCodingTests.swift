import CeleriacWire
import Foundation
import Testing

/// Dates, decimals, UUIDs and bytes through the plain coding, and through a dialect's.
struct ValueCodingTests {
    private let encoder = WireEncoder()
    private let decoder = WireDecoder()

    struct Everything: Codable, Equatable {
        var instant: Date
        var local: LocalDateTime
        var day: LocalDate
        var time: LocalTime
        var price: Decimal
        var id: UUID
        var raw: [UInt8]
        var data: Data
        var maybe: Date?
        var days: [LocalDate]
    }

    static func everything() throws -> Everything {
        Everything(
            instant: Date(timeIntervalSince1970: 1_769_860_800.25),
            local: try #require(LocalDateTime("2026-01-31T12:00:00")),
            day: try #require(LocalDate("2026-01-31")), time: try #require(LocalTime("12:00:00.000001")),
            price: try #require(Decimal(string: "12.50")),
            id: try #require(UUID(uuidString: "A2B9A3E5-6C1C-4E7A-8F43-8F3AB8AD0A6A")), raw: [1, 2], data: Data([3]),
            maybe: nil, days: [try #require(LocalDate("2026-02-01"))])
    }

    @Test func plainText() throws {
        let value = try encoder.encode(try Self.everything())
        #expect(
            value == [
                "instant": "2026-01-31T12:00:00.250000+00:00", "local": "2026-01-31T12:00:00", "day": "2026-01-31",
                "time": "12:00:00.000001", "price": "12.5", "id": "a2b9a3e5-6c1c-4e7a-8f43-8f3ab8ad0a6a", "raw": "AQI=",
                "data": "Aw==", "days": ["2026-02-01"],
            ])
        #expect(try decoder.decode(Everything.self, from: value) == Self.everything())
    }

    @Test func otherCodersToo() throws {
        let data = try JSONEncoder().encode(try Self.everything())
        #expect(try JSONDecoder().decode(Everything.self, from: data) == Self.everything())
        #expect(throws: DecodingError.self) { try JSONDecoder().decode([LocalDate].self, from: Data("[\"x\"]".utf8)) }
    }

    static let wrong: [(ExtendedValue.Kind, WireValue, WireError.Code)] = [
        (.instant, "2026-01-31T12:00:00", .malformed), (.instant, 1, .typeMismatch), (.instant, "x", .malformed),
        (.localDateTime, "2026-01-31T12:00:00Z", .malformed), (.localDateTime, "x", .malformed),
        (.localDate, "2026-01-31T12:00:00", .malformed), (.localDate, "x", .malformed),
        (.localTime, "25:00", .malformed),
        (.decimal, "x", .invalidNumber), (.decimal, true, .typeMismatch), (.uuid, "x", .malformed),
        (.uuid, nil, .typeMismatch),
        (.bytes, "?", .invalidBase64), (.bytes, 1, .typeMismatch), (.localTime, [:], .typeMismatch),
    ]

    @Test(arguments: wrong) func refuses(kind: ExtendedValue.Kind, value: WireValue, code: WireError.Code) {
        let error = wireError { () throws(WireError) in _ = try PlainValueCoding().value(of: kind, from: value) }
        #expect(error?.code == code)
    }

    @Test func datesOfOlderPeers() throws {
        #expect(try decoder.decode(LocalDate.self, from: "2026-01-31T00:00:00") == LocalDate("2026-01-31"))
    }

    static let decimals: [(String, String)] = [
        ("1E+3", "1000"), ("0.10", "0.1"), ("-1.25", "-1.25"), ("0", "0"), ("-0", "0"), ("0E-10", "0"), ("+5", "5"),
        ("123456789012345678901234567890.12345678", "123456789012345678901234567890.12345678"),
        ("99999999999999999999999999999999999999", "99999999999999999999999999999999999999"),
        ("1e-28", "0.0000000000000000000000000001"),
        ("00012.500", "12.5"), (".5", "0.5"), ("5.", "5"), ("10e-1", "1"), ("1e2", "100"),
    ]

    @Test(arguments: decimals) func readsDecimalsExactly(text: String, expected: String) throws {
        #expect(try decoder.decode(Decimal.self, from: .string(text)).description == expected)
    }

    static let notDecimals = [
        "", "-", ".", "e5", "1e", "1e+", "1.2.3", "12abc", "1 2", " 1", "Infinity", "-Infinity", "sNaN", "0x10", "1e5x",
        "1_0",
        // More digits, or a larger exponent, than Foundation's type can hold.
        "999999999999999999999999999999999999999", "1e128", "1.5e-128", "1e99999999999999999999",
        "340282366920938463463374607431768211456",
    ]

    @Test(arguments: notDecimals) func refusesDecimals(text: String) {
        #expect(codingError { _ = try decoder.decode(Decimal.self, from: .string(text)) }?.code == .invalidNumber)
    }

    @Test func decimalsOfNumbers() throws {
        #expect(try decoder.decode(Decimal.self, from: 5) == 5)
        #expect(try decoder.decode(Decimal.self, from: .int(.min)).description == "-9223372036854775808")
        #expect(try decoder.decode(Decimal.self, from: 0.1).description == "0.1")
        #expect(
            try decoder.decode(Decimal.self, from: .number("1180591620717411303424")).description
                == "1180591620717411303424")
        #expect(try decoder.decode(Decimal.self, from: "NaN").isNaN)
    }

    @Test func instantsWithoutAForm() {
        let error = codingError { _ = try encoder.encode(["at": Date(timeIntervalSince1970: 1e15)]) }
        #expect(error?.description == "unsupported: at: a date outside the years 1 to 9999 has no form on the wire")
    }

    /// A dialect that wraps everything, and answers with another kind on request.
    struct Wrapping: ValueCoding {
        var liar = false

        func wireValue(for value: ExtendedValue) throws(WireError) -> WireValue {
            ["kind": .string("\(value.kind)"), "value": try PlainValueCoding().wireValue(for: value)]
        }

        func value(of kind: ExtendedValue.Kind, from wireValue: WireValue) throws(WireError) -> ExtendedValue {
            if liar { return kind == .bytes ? .localTime(.midnight) : .bytes([]) }
            guard let inner = wireValue["value"] else { throw WireError(.typeMismatch, "not wrapped") }
            return try PlainValueCoding().value(of: kind, from: inner)
        }
    }

    @Test func dialectsDecide() throws {
        let value = try WireEncoder(coding: Wrapping()).encode(try Self.everything())
        #expect(value["day"] == ["kind": "localDate", "value": "2026-01-31"])
        #expect(value["raw"] == ["kind": "bytes", "value": "AQI="])
        #expect(try WireDecoder(coding: Wrapping()).decode(Everything.self, from: value) == Self.everything())
        let error = codingError {
            _ = try WireDecoder(coding: Wrapping()).decode([LocalDate].self, from: ["2026-01-31"])
        }
        #expect(error?.description == "typeMismatch: [0]: not wrapped")
    }

    @Test func aCodingThatAnswersWithAnotherKindIsFoundOut() {
        let decoder = WireDecoder(coding: Wrapping(liar: true))
        #expect(codingError { _ = try decoder.decode(Date.self, from: "x") }?.code == .typeMismatch)
        #expect(codingError { _ = try decoder.decode([UInt8].self, from: "x") }?.code == .typeMismatch)
    }
}
