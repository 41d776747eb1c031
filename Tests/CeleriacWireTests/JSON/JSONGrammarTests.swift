import CeleriacWire
import Testing

/// The grammar of JSON, case by case, and what Python's reader accepts beyond it.
struct JSONGrammarTests {
    static let accepted: [(String, WireValue)] = [
        // Structure and white space.
        ("[]", []), ("{}", [:]), (" [ ] ", []), ("\t{\n}\r\n", [:]), ("[[]]", [[]]), ("[{}]", [[:]]),
        ("[1,2 , 3]", [1, 2, 3]), ("{\"a\":{\"b\":[{}]}}", ["a": ["b": [[:]]]]), ("{\"\":0}", ["": 0]),
        ("[[],[[]],{}]", [[], [[]], [:]]), (" 1 ", 1), ("\"x\"", "x"), ("null", nil), ("true", true), ("false", false),
        ("[null,true,false]", [nil, true, false]), ("{\"a\":1,\"b\":2}", ["a": 1, "b": 2]),
        // The last of equal keys wins, however it is spelled, in the position of the first.
        ("{\"a\":1,\"b\":2,\"a\":3}", ["a": 3, "b": 2]), ("{\"a\":1,\"\\u0061\":2}", ["a": 2]),
        ("{\"é\":1,\"\\u00e9\":2}", ["é": 2]),
        ("{\"abcdefghijklmnop\":1,\"abcdefghijklmnop\":2}", ["abcdefghijklmnop": 2]),
        // Integers.
        ("0", 0), ("-0", 0), ("-1", -1), ("10", 10), ("9223372036854775807", .int(.max)),
        ("-9223372036854775808", .int(.min)), ("9223372036854775808", .number("9223372036854775808")),
        ("-9223372036854775809", .number("-9223372036854775809")),
        ("999999999999999999", 999_999_999_999_999_999), ("1000000000000000000", 1_000_000_000_000_000_000),
        ("1180591620717411303424", .number("1180591620717411303424")),
        // Floats.
        ("1.0", 1.0), ("-0.0", .double(-0.0)), ("1e5", 100_000.0), ("1E5", 100_000.0), ("1e+5", 100_000.0),
        ("1e-5", 0.00001), ("0e0", 0.0), ("0.1", 0.1), ("-1.5e-3", -0.0015), ("1e400", .double(.infinity)),
        ("-1e400", .double(-.infinity)), ("1e-400", 0.0), ("123456789012345678901234567890.0", 1.2345678901234568e29),
        ("2.2250738585072011e-308", .double(Double(bitPattern: 0x000f_ffff_ffff_ffff))),
        ("1e99999999999999999999", .double(.infinity)),
        ("[1e1,0.5]", [10.0, 0.5]), ("9007199254740993.0", 9_007_199_254_740_992.0), ("1e23", 1e23), ("8.5e22", 8.5e22),
        // What Python reads but JSON lacks.
        ("Infinity", .double(.infinity)), ("-Infinity", .double(-.infinity)), ("[Infinity]", [.double(.infinity)]),
        // Strings.
        ("\"\"", ""), ("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\u{8}\u{c}\n\r\t"), ("\"\\u0000\"", "\u{0}"),
        ("\"\\u00E9\\u20ac\"", "é€"), ("\"\\ud83d\\ude00\"", "😀"), ("\"\\uDBFF\\uDFFF\"", "\u{10ffff}"),
        ("\"é€😀\"", "é€😀"), ("\"\u{7f}\"", "\u{7f}"), ("\"\u{2028}\u{2029}\"", "\u{2028}\u{2029}"),
        ("\"a\\u0062c\"", "abc"), ("\"\u{feff}\"", "\u{feff}"), ("\"\\uffff\"", "\u{ffff}"), ("\"//**/\"", "//**/"),
        ("\"0123456789abcdef0123456789abcdef\\n\"", "0123456789abcdef0123456789abcdef\n"),
    ]

    @Test(arguments: accepted) func accepts(text: String, value: WireValue) throws {
        let decoded = try WireJSON.decode(text.bytes)
        #expect(decoded == value)
        // Equality distinguishes neither the two zeros nor objects whose keys differ in order.
        if case .double(let left) = decoded, case .double(let right) = value { #expect(left.sign == right.sign) }
        if case .object(let left) = decoded, case .object(let right) = value { #expect(left.keys == right.keys) }
    }

    @Test func acceptsNaN() throws {
        guard case .double(let value) = try WireJSON.decode("NaN".bytes) else {
            Issue.record("not a float")
            return
        }
        #expect(value.isNaN)
    }

    static let refused: [(String, WireError.Code, Int)] = [
        // Nothing, or something after the value.
        ("", .truncated, 0), ("   ", .truncated, 3), ("1 2", .trailingBytes, 2), ("[]]", .trailingBytes, 2),
        ("{}}", .trailingBytes, 2), ("null,", .trailingBytes, 4), ("\"a\"x", .trailingBytes, 3),
        ("[1]//", .trailingBytes, 3),
        ("1\u{0}", .trailingBytes, 1), ("nullx", .trailingBytes, 4), ("[][]", .trailingBytes, 2),
        // Arrays and objects.
        ("[1,]", .malformed, 3), ("[,1]", .malformed, 1), ("[1 2]", .malformed, 3), ("[1}", .malformed, 2),
        ("{1:2}", .malformed, 1), ("{\"a\" 1}", .malformed, 5), ("{\"a\":1,}", .malformed, 7), ("{,}", .malformed, 1),
        ("{\"a\"}", .malformed, 4), ("{\"a\":1]", .malformed, 6), ("{a:1}", .malformed, 1), ("{'a':1}", .malformed, 1),
        ("]", .malformed, 0), ("}", .malformed, 0), ("{\"a\":}", .malformed, 5), ("[\"a\":1]", .malformed, 4),
        ("{\"a\",1}", .malformed, 4), ("[1,,2]", .malformed, 3), ("{\"a\":1 \"b\":2}", .malformed, 7),
        (",", .malformed, 0),
        ("{null:1}", .malformed, 1), ("{\"a\"::1}", .malformed, 5), ("[1:2]", .malformed, 2), ("[*]", .malformed, 1),
        // Words.
        ("nul", .truncated, 3), ("nulL", .malformed, 3), ("True", .malformed, 0), ("tru]", .malformed, 3),
        ("nan", .malformed, 1), ("inf", .malformed, 0), ("infinity", .malformed, 0), ("-NaN", .malformed, 1),
        ("+Infinity", .malformed, 0), ("-Infinit", .truncated, 8), ("undefined", .malformed, 0),
        ("[NaNx]", .malformed, 4),
        // Numbers.
        ("01", .malformed, 0), ("-01", .malformed, 1), ("+1", .malformed, 0), (".5", .malformed, 0),
        ("1.", .truncated, 2),
        ("[1.]", .malformed, 3), ("1.e5", .malformed, 2), ("1e", .truncated, 2), ("1e+", .truncated, 3),
        ("[1e]", .malformed, 3), ("0x10", .trailingBytes, 1), ("1_000", .trailingBytes, 1), ("-", .truncated, 1),
        ("[-]", .malformed, 2), ("--1", .malformed, 1), ("1e5.5", .trailingBytes, 3), ("00", .malformed, 0),
        ("[1+2]", .malformed, 2), ("1ee5", .malformed, 2), ("٣", .malformed, 0), ("-.5", .malformed, 1),
        // Strings.
        ("\"", .truncated, 1), ("\"a", .truncated, 2), ("\"\\\"", .truncated, 3), ("\"\\", .truncated, 2),
        ("\"\\x41\"", .malformed, 2), ("\"\\a\"", .malformed, 2), ("'a'", .malformed, 0), ("\"\n\"", .malformed, 1),
        ("\"\t\"", .malformed, 1), ("\"\u{0}\"", .malformed, 1), ("\"abcdefgh\u{1f}\"", .malformed, 9),
        ("\"\\u12\"", .malformed, 5), ("\"\\u12G4\"", .malformed, 5), ("\"\\u\"", .malformed, 3),
        ("\"\\U0041\"", .malformed, 2),
        ("\"\\u 123\"", .malformed, 3), ("\"\\u+123\"", .malformed, 3), ("a", .malformed, 0),
        ("\"\\'\"", .malformed, 2),
        // Surrogates without their partner.
        ("\"\\ud83d\"", .loneSurrogate, 1), ("\"\\ude00\"", .loneSurrogate, 1), ("\"\\ud83dx\"", .loneSurrogate, 1),
        ("\"\\ud83d\\n\"", .loneSurrogate, 1), ("\"\\ud83d\\u0041\"", .loneSurrogate, 1),
        ("\"\\ud83d\\ud83d\"", .loneSurrogate, 1), ("\"ab\\ude00\\ud83d\"", .loneSurrogate, 3),
        ("\"\\ud83d\\", .truncated, 8),
        // Characters that JSON does not count as white space, and byte order marks.
        ("[\u{c}]", .malformed, 1), ("[\u{a0}1]", .malformed, 1), ("\u{feff}[]", .malformed, 0),
        ("[\u{b}1]", .malformed, 1),
        ("/* */ 1", .malformed, 0), ("# 1", .malformed, 0), ("[\u{2060}]", .malformed, 1),
    ]

    @Test(arguments: refused) func refuses(text: String, code: WireError.Code, offset: Int) {
        let error = wireError { () throws(WireError) in _ = try WireJSON.decode(text.bytes) }
        #expect(error?.code == code)
        #expect(error?.offset == offset)
    }

    static let invalidUTF8: [(String, Int)] = [
        // A lone continuation byte, overlong forms, surrogates, past U+10FFFF, cut short.
        ("80", 1), ("c0 af", 1), ("e0 80 af", 1), ("ed a0 80", 1), ("f4 90 80 80", 1), ("c3", 1), ("e2 82", 1),
        ("f0 9f 98", 1), ("ff", 1), ("61 62 fe", 3), ("c3 28", 1), ("61 62 63 64 65 66 67 68 69 c3 a9 80", 12),
    ]

    @Test(arguments: invalidUTF8) func refusesInvalidUTF8(hex: String, offset: Int) {
        for (prefix, suffix) in [("\"", "\""), ("\"", "\\n\"")] {
            let text = prefix.bytes + [UInt8](hex: hex) + suffix.bytes
            let error = wireError { () throws(WireError) in _ = try WireJSON.decode(text) }
            #expect(error?.code == .invalidUTF8)
            #expect(error?.offset == offset)
        }
        // As a key, and outside a string.
        let key = wireError { () throws(WireError) in
            _ = try WireJSON.decode("{\"".bytes + [UInt8](hex: hex) + "\":1}".bytes)
        }
        #expect(key?.code == .invalidUTF8)
        let bare = wireError { () throws(WireError) in _ = try WireJSON.decode([UInt8](hex: hex)) }
        #expect(bare?.code == .malformed)
    }

    @Test func refusesUTF16() {
        let error = wireError { () throws(WireError) in _ = try WireJSON.decode([0xff, 0xfe, 0x5b, 0, 0x5d, 0]) }
        #expect(error?.code == .malformed)
        let bare = wireError { () throws(WireError) in _ = try WireJSON.decode([0x5b, 0, 0x5d, 0]) }
        #expect(bare?.code == .malformed)
    }

    @Test func keepsKeysApartThatOnlyUnicodeHoldsEqual() throws {
        // é in one code point and in two; the sign for kelvin, which Swift holds equal to K.
        let composed = "{\"\u{e9}\":1,\"e\u{301}\":2,\"K\":3,\"\u{212a}\":4,\"\u{e9}\":5}"
        let escaped = "{\"\\u00e9\":1,\"e\\u0301\":2,\"K\":3,\"\\u212a\":4,\"\\u00e9\":5}"
        for text in [composed, escaped] {
            let value = try WireJSON.decode(text.bytes)
            let object = try #require(value.objectValue)
            #expect(object.map(\.value) == [5, 2, 3, 4])
            #expect(object["\u{e9}"] == 5 && object["e\u{301}"] == 2 && object["\u{212a}"] == 4)
            #expect(try WireJSON.decode(WireJSON.encode(value)) == value)
            #expect(try WireMessagePack.decode(WireMessagePack.encode(value)) == value)
            // What a Swift type would merge is refused.
            #expect(throws: WireError.self) { try WireDecoder().decode([String: Int].self, from: value) }
            #expect(try WireDecoder().decode(WireValue.self, from: value) == value)
            var merged = object
            merged.merge(["e\u{301}": 7]) { $1 }
            #expect(merged["\u{e9}"] == 5 && merged["e\u{301}"] == 7 && merged != object)
        }
        let (one, two): (WireObject, WireObject) = (["\u{e9}": 1], ["e\u{301}": 1])
        #expect(one != two)
    }

    @Test func keepsOrderAndFindsKeysInObjectsOfEverySize() throws {
        for count in [1, 2, 14, 15, 16, 17, 31, 32, 33, 100, 1000] {
            for prefix in [
                "k", "a-key-of-some-length-", "é",
                "an even longer key, longer than any summary of a key takes into account ",
            ] {
                let keys = (0..<count).map { "\(prefix)\($0)" }
                let text = "{" + keys.enumerated().map { "\"\($1)\":\($0)" }.joined(separator: ",") + "}"
                let object = try #require(try WireJSON.decode(text.bytes).objectValue)
                #expect(Array(object.keys) == keys)
                for (index, key) in keys.enumerated() where object[key] != .int(Int64(index)) {
                    Issue.record("key \(index) of \(count) has another value")
                }
                // The same with the first key repeated at the end.
                let twice = text.dropLast() + ",\"\(keys[0])\":-1}"
                let other = try #require(try WireJSON.decode(String(twice).bytes).objectValue)
                #expect(Array(other.keys) == keys)
                #expect(other[keys[0]] == -1)
            }
        }
    }

    @Test func readsBorrowedMemory() throws {
        let text = "[1, \"a\"]".bytes
        #expect(
            try text.withUnsafeBufferPointer { bytes throws(WireError) in try WireJSON.decode(bytes.span) } == [1, "a"])
        #expect(try WireJSON.decode(text.span) == [1, "a"])
        let nothing = wireError { () throws(WireError) in
            _ = try WireJSON.decode(UnsafeBufferPointer<UInt8>(start: nil, count: 0).span)
        }
        #expect(nothing?.code == .truncated)
    }
}
