import CeleriacWire
import CeleryWire
import FoundationEssentials
import Testing

@Suite struct CeleryValueCodingTests {
    private static func values() throws -> [ExtendedValue] {
        [
            .instant(Date(timeIntervalSince1970: 1_767_323_045.25)),
            .localDateTime(try #require(LocalDateTime("2026-01-02T03:04:05"))),
            .localDate(try #require(LocalDate("2026-01-02"))),
            .localTime(try #require(LocalTime("03:04:05.000006"))),
            .decimal(try #require(Decimal(string: "1.5"))),
            .uuid(try #require(UUID(uuidString: "12345678-1234-5678-1234-567812345678"))),
            .bytes(Array("hello".utf8)),
            .bytes([0xff, 0, 0xfe]),
        ]
    }

    @Test func writesTypeEnvelopes() throws {
        let texts = try Self.values().map {
            String(
                decoding: try WireJSON.encode(CeleryValueCoding.typed.wireValue(for: $0), style: .python), as: UTF8.self
            )
        }
        #expect(
            texts == [
                #"{"__type__": "datetime", "__value__": "2026-01-02T03:04:05.250000+00:00"}"#,
                #"{"__type__": "datetime", "__value__": "2026-01-02T03:04:05"}"#,
                #"{"__type__": "date", "__value__": "2026-01-02"}"#,
                #"{"__type__": "time", "__value__": "03:04:05.000006"}"#,
                #"{"__type__": "decimal", "__value__": "1.5"}"#,
                #"{"__type__": "uuid", "__value__": {"hex": "12345678123456781234567812345678"}}"#,
                #"{"__type__": "bytes", "__value__": "hello"}"#,
                #"{"__type__": "base64", "__value__": "/wD+"}"#,
            ])
    }

    @Test func writesPlainTextForOldPeers() throws {
        let texts = try Self.values().dropLast(2).map { try CeleryValueCoding.legacy.wireValue(for: $0) }
        #expect(
            texts == [
                "2026-01-02T03:04:05.250000Z", "2026-01-02T03:04:05", "2026-01-02T00:00:00", "03:04:05.000006", "1.5",
                "12345678-1234-5678-1234-567812345678",
            ])
        #expect {
            try CeleryValueCoding.legacy.wireValue(for: .bytes([1]))
        } throws: {
            ($0 as? WireError)?.code == .bytesUnsupported
        }
    }

    @Test func binaryKeepsBytes() throws {
        let coding = CeleryValueCoding(for: .msgpack)
        #expect(try coding.wireValue(for: .bytes([1])) == .bytes([1]))
        #expect(try coding.value(of: .bytes, from: .bytes([1])) == .bytes([1]))
        #expect(CeleryValueCoding(for: .json).form == .typed)
        #expect(CeleryValueCoding(for: .yaml).form == .binary)
    }

    @Test(arguments: [CeleryValueCoding.Form.typed, .legacy, .binary])
    func readsEveryForm(_ form: CeleryValueCoding.Form) throws {
        for value in try Self.values() {
            if case .bytes = value, form == .legacy { continue }
            let written = try CeleryValueCoding(form: form).wireValue(for: value)
            for reader in [CeleryValueCoding.typed, .legacy] {
                #expect(try reader.value(of: value.kind, from: written) == value)
            }
        }
    }

    @Test func readsOffsetsAndOtherSpellings() throws {
        func read(_ kind: ExtendedValue.Kind, _ type: String, _ value: WireValue) throws -> ExtendedValue {
            try CeleryValueCoding.typed.value(of: kind, from: ["__type__": .string(type), "__value__": value])
        }
        let uuid = try #require(UUID(uuidString: "12345678-1234-5678-1234-567812345678"))
        let instant = ExtendedValue.instant(Date(timeIntervalSince1970: 1_767_323_045))
        #expect(try read(.instant, "datetime", "2026-01-02T08:34:05+05:30") == instant)
        #expect(try read(.decimal, "decimal", "1E+3") == .decimal(1000))
        #expect(try read(.uuid, "uuid", ["hex": "12345678-1234-5678-1234-567812345678"]) == .uuid(uuid))
    }

    @Test func refusesWhatIsSomethingElse() {
        let cases: [(ExtendedValue.Kind, WireValue, WireError.Code)] = [
            (.bytes, "aGVsbG8=", .typeMismatch), (.bytes, 5, .typeMismatch),
            (.instant, "2026-01-02T03:04:05", .malformed), (.localDateTime, "2026-01-02T03:04:05Z", .malformed),
            (.instant, ["__type__": "date", "__value__": "2026-01-02"], .typeMismatch),
            (.bytes, ["__type__": "bytes", "__value__": 5], .typeMismatch),
            (.bytes, ["__type__": "base64", "__value__": "!"], .invalidBase64),
            (.uuid, ["__type__": "uuid", "__value__": "12345678123456781234567812345678"], .malformed),
            (.uuid, ["__type__": "uuid", "__value__": ["hex": "1234567812345678123456781234567x"]], .malformed),
            (.uuid, ["__type__": "uuid", "__value__": ["hex": "\u{e9}2345678123456781234567812345678"]], .malformed),
            (.decimal, ["__type__": "unknown", "__value__": "1"], .typeMismatch),
            (.decimal, ["__type__": 1, "__value__": "1"], .typeMismatch),
            // An additional key makes it a plain object.
            (.decimal, ["__type__": "decimal", "__value__": "1", "x": 1], .typeMismatch),
        ]
        for (kind, value, code) in cases {
            #expect {
                try CeleryValueCoding.typed.value(of: kind, from: value)
            } throws: {
                ($0 as? WireError)?.code == code
            }
        }
    }

    @Test func codableTypesUseIt() throws {
        struct Order: Codable, Equatable {
            var at: Date
            var id: UUID
            var raw: [UInt8]
            var total: Decimal
        }
        let order = Order(
            at: Date(timeIntervalSince1970: 1_767_323_045), id: UUID(), raw: [0xff], total: Decimal(string: "9.95")!)
        let value = try WireEncoder(coding: CeleryValueCoding.typed).encode(order)
        #expect(value["raw"]?["__type__"] == "base64")
        #expect(try WireDecoder(coding: CeleryValueCoding.typed).decode(Order.self, from: value) == order)
    }
}
