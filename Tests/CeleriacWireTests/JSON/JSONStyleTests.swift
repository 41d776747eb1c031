import CeleriacWire
import Testing

/// The writer, compared with bytes that Python's `json.dumps` produced.
struct JSONStyleTests {
    static let python: [(WireValue, String)] = [
        (
            [[2, 3], [:], ["callbacks": nil, "errbacks": nil, "chain": nil, "chord": nil]],
            #"[[2, 3], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]"#
        ),
        (
            [
                "abc", "\u{7f}", "\u{80}", "é", "€", "😀", "\u{10ffff}", "\u{2028}", "\u{fffd}", "\u{d7ff}", "\u{e000}",
                "\"\\/\u{8}\u{c}\n\r\t\u{0}\u{1}\u{1f}", "~ ",
            ],
            #"["abc", "\u007f", "\u0080", "\u00e9", "\u20ac", "\ud83d\ude00", "\udbff\udfff", "\u2028", "\ufffd", "#
                + #""\ud7ff", "\ue000", "\"\\/\b\f\n\r\t\u0000\u0001\u001f", "~ "]"#
        ),
        (
            [
                "a": 1, "b": [1, 2, ["c": nil]], "é": true, "": [:], "l": [], "f": 1.0,
                "n": .number("1180591620717411303424"), "m": .int(.min),
            ],
            #"{"a": 1, "b": [1, 2, {"c": null}], "\u00e9": true, "": {}, "l": [], "f": 1.0, "#
                + #""n": 1180591620717411303424, "m": -9223372036854775808}"#
        ),
    ]

    @Test(arguments: python) func writesAsPython(value: WireValue, text: String) throws {
        #expect(String(decoding: try WireJSON.encode(value, style: .python), as: UTF8.self) == text)
        #expect(try WireJSON.decode(text.bytes) == value)
    }

    static let compact: [(WireValue, String)] = [
        (["a": [1, 2.5, nil, true], "é😀": "\u{7f}\u{2028}/"], "{\"a\":[1,2.5,null,true],\"é😀\":\"\u{7f}\u{2028}/\"}"),
        ("\"\\\n\u{0}\u{1f} é", #""\"\\\n\u0000\u001f é""#),
        ([], "[]"), ([:], "{}"), (["": []], #"{"":[]}"#), (-1, "-1"), (10, "10"), (-10, "-10"),
        (.int(.max), "9223372036854775807"),
    ]

    @Test(arguments: compact) func writesCompact(value: WireValue, text: String) throws {
        #expect(String(decoding: try WireJSON.encode(value), as: UTF8.self) == text)
        #expect(try WireJSON.decode(text.bytes) == value)
    }

    @Test func writesFloatsAsPython() throws {
        for (bits, text) in PythonFloats.all {
            let value = WireValue.double(Double(bitPattern: bits))
            #expect(String(decoding: try WireJSON.encode(value, style: .python), as: UTF8.self) == text)
            #expect(try WireJSON.decode(text.bytes).doubleValue?.bitPattern == bits)
        }
    }

    @Test func writesNonFiniteNumbersOnlyWhenAsked() throws {
        let value: WireValue = [.double(.nan), .double(.infinity), .double(-.infinity)]
        let text = try WireJSON.encode(value, style: .python, nonFinite: .allow)
        #expect(String(decoding: text, as: UTF8.self) == "[NaN, Infinity, -Infinity]")
        for element in value.arrayValue ?? [] {
            let error = wireError { () throws(WireError) in _ = try WireJSON.encode(element) }
            #expect(error?.code == .nonFinite)
        }
    }

    @Test func refusesBytesAndTextThatIsNoNumber() {
        let bytes = wireError { () throws(WireError) in _ = try WireJSON.encode([.bytes([1])]) }
        #expect(bytes?.code == .bytesUnsupported)
        for text in ["", "abc", "1,2", "01", "1]", "+1", "1.", " 1", "0x1", "NaN", "1e", "--1", "٣"] {
            let error = wireError { () throws(WireError) in _ = try WireJSON.encode(.number(text)) }
            #expect(error?.code == .invalidNumber, "\(text)")
        }
        for text in ["0", "-0", "1.5", "1e5", "-1.25E-3", "123456789012345678901234567890"] {
            #expect(throws: Never.self) { try WireJSON.encode(.number(text)) }
        }
    }

    @Test func appends() throws {
        var bytes = "x=".bytes
        try WireJSON.encode([1, "a"], into: &bytes)
        #expect(bytes == "x=[1,\"a\"]".bytes)
    }

    @Test func writesEveryScalarInBothStyles() throws {
        // All of Unicode through writer and reader; runs of different lengths move the escapes through the words of
        // eight.
        for start in stride(from: UInt32(0), to: 0x110000, by: 0x400) {
            var text = String(repeating: "x", count: Int(start / 0x400 % 9))
            for value in start..<start + 0x400 {
                if let scalar = Unicode.Scalar(value) { text.unicodeScalars.append(scalar) }
            }
            for style in [JSONStyle.compact, .python] {
                let written = try WireJSON.encode(.string(text), style: style)
                if style == .python, written.contains(where: { $0 < 0x20 || $0 > 0x7e }) {
                    Issue.record("not ASCII")
                }
                guard try WireJSON.decode(written).stringValue?.utf8.elementsEqual(text.utf8) == true else {
                    Issue.record("changed from \(start)")
                    return
                }
            }
        }
    }
}
