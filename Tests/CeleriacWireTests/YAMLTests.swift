import CeleriacWire
import TestSupport
import Testing

/// YAML, compared with what PyYAML's `safe_load` makes of the same text.
struct YAMLTests {
    static let python: [(String, WireValue)] = [
        // Words.
        ("", nil), ("# only a comment\n", nil), ("null", nil), ("~", nil), ("Null", nil), ("nuLL", "nuLL"),
        ("yes", true), ("No", false), ("ON", true), ("off", false), ("true", true), ("TRUE", true), ("tRUE", "tRUE"),
        ("y", "y"), ("n", "n"),
        // Integers.
        ("1", 1), ("-1", -1), ("+1", 1), ("0", 0), ("-0", 0), ("00", 0), ("010", 8), ("0o10", "0o10"), ("0b101", 5),
        ("-0b11", -3), ("0x1F", 31), ("-0x10", -16), ("0X1F", "0X1F"), ("1_000", 1000), ("_1", "_1"), ("1__0", 10),
        ("0_8", "0_8"), ("08", "08"), ("0_", 0), ("1:30", 90), ("1:60", "1:60"), ("190:20:30", 685_230), ("-1:30", -90),
        ("1:5", 65), ("0:30", "0:30"), ("1:2:3:4", 223_384), ("9223372036854775807", .int(.max)),
        ("1180591620717411303424", .number("1180591620717411303424")),
        ("0xffffffffffffffffffff", .number("1208925819614629174706175")), ("1-2", "1-2"),
        // Floats.
        ("1.5", 1.5), ("1.", 1.0), ("0.", 0.0), ("-1.5", -1.5), ("+1.5", 1.5), (".5", 0.5), ("-.5", "-.5"),
        ("._5", "._5"),
        ("09.5", 9.5), ("1e5", "1e5"), ("1.0e5", "1.0e5"), ("1.0e+5", 100_000.0), ("1.5E-3", 0.0015), ("1.e+3", 1000.0),
        ("190:20:30.15", 685_230.15), ("1:30.", 90.0), ("1_0.5_0", 10.5), ("685_230.15", 685_230.15),
        ("+12e03", "+12e03"),
        (".inf", .double(.infinity)), ("-.INF", .double(-.infinity)), ("+.Inf", .double(.infinity)), ("-.nan", "-.nan"),
        ("inf", "inf"), ("nan", "nan"), ("1.5.5", "1.5.5"),
        // Timestamps stay text.
        ("2001-01-01", "2001-01-01"), ("2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00"),
        ("x: !!timestamp 2001-01-01", ["x": "2001-01-01"]),
        // Quotation marks and tags.
        ("'1'", "1"), ("\"yes\"", "yes"), ("!!str 1", "1"), ("!!int '7'", 7), ("!!int 0x10", 16), ("!!float 1", 1.0),
        ("!!bool Yes", true), ("!!null x", nil), ("!!binary aGk=", .bytes("hi".bytes)), ("! 5", 5),
        ("!!binary |\n aGVs\n bG8=\n", .bytes("hello".bytes)), ("!!map {a: 1}", ["a": 1]), ("!!seq [1]", [1]),
        ("\"\\u263a \\U0001F600 \\x41 \\e\"", "☺ 😀 A \u{1b}"), ("aé😀", "aé😀"), ("'a\n\n  b'", "a\nb"),
        // Blocks, flows, anchors, keys.
        ("- 1\n- a\n", [1, "a"]), ("a: 1\nb: [x, {c: d}]\n", ["a": 1, "b": ["x", ["c": "d"]]]),
        ("|\n a\n b\n", "a\nb\n"), (">\n a\n b\n", "a b\n"), ("? a\n: b", ["a": "b"]), ("{a: 1, a: 2}", ["a": 2]),
        ("- &x [1]\n- *x\n- *x\n", [[1], [1], [1]]), ("a: &k key\n*k : 2\n", ["a": "key", "key": 2]),
        ("a: &b\nc: *b", ["a": nil, "c": nil]), ("[&a 1, &a 2, *a]", [1, 2, 2]),
        ("{'2001-01-01': 1}", ["2001-01-01": 1]),
        ("---\na\n...\n", "a"), ("%YAML 1.1\n---\na", "a"), ("{}", [:]), ("[]", []), ("a:\n- 1\n-\n", ["a": [1, nil]]),
        // JSON is YAML.
        ("{\"a\": [1, 2.5, null, true, \"x\"]}", ["a": [1, 2.5, nil, true, "x"]]),
    ]

    @Test(arguments: python) func readsAsPython(text: String, value: WireValue) throws {
        #expect(try WireYAML.decode(text.bytes) == value)
    }

    @Test func readsNaN() throws {
        for text in [".nan", ".NaN", "!!float .NAN"] {
            #expect(try WireYAML.decode(text.bytes).doubleValue?.isNaN == true)
        }
    }

    static let refused: [(String, WireError.Code)] = [
        ("[1, 2", .malformed), ("a: 'x", .malformed), ("---\na\n---\nb", .trailingBytes), ("[a,,b]", .malformed),
        ("\ta: 1", .malformed), ("a: b\nc", .malformed), ("@x", .malformed), ("`x", .malformed),
        ("{a: b: c}", .malformed),
        ("]", .malformed), ("a: b: c", .malformed), ("\"\\x\"", .malformed), ("\"\\ud800\"", .malformed),
        // Keys that are not text.
        ("{1: 2}", .nonStringKey), ("{yes: 1}", .nonStringKey), ("{null: 1}", .nonStringKey), ("{~: 1}", .nonStringKey),
        ("{1.5: 1}", .nonStringKey), ("{2001-01-01: 1}", .nonStringKey), ("{[a]: 1}", .nonStringKey),
        ("{{a: 1}: 1}", .nonStringKey), ("? - a\n: 1", .nonStringKey), ("[&a 1, {*a : 2}]", .nonStringKey),
        ("{2001-1-1 1:00:00 +1: 1}", .nonStringKey), ("{!!binary aGk=: 1}", .nonStringKey),
        // Input that a safe loader refuses, or turns into something that WireValue cannot represent.
        ("!!set {a}", .unsupported), ("!!omap [a: 1]", .unsupported), ("!!python/object:os.system x", .unsupported),
        ("!!python/object/apply:os.system [x]", .unsupported), ("!foo x", .unsupported), ("!foo [x]", .unsupported),
        ("!foo {x: 1}", .unsupported), ("{<<: {a: 1}}", .unsupported), ("!!str [a]", .unsupported),
        // Anchors.
        ("*x", .malformed), ("&a [*a]", .malformed), ("&a {b: *a}", .malformed), ("[&a 1, &a [*a]]", .malformed),
        // Tags that do not match their text.
        ("!!int abc", .invalidNumber), ("!!float abc", .invalidNumber), ("!!bool maybe", .malformed),
        ("0b_", .invalidNumber),
        ("0x_", .invalidNumber), ("!!int ''", .invalidNumber), ("!!int '-'", .invalidNumber),
        ("!!float 0x1p3", .invalidNumber),
        ("!!binary '*'", .invalidBase64), ("!!int 0b12", .invalidNumber), ("!!int 1:x", .invalidNumber),
        // Beyond 128 bits in another base.
        ("0x100000000000000000000000000000000", .invalidNumber),
    ]

    @Test(arguments: refused) func refuses(text: String, code: WireError.Code) {
        let error = wireError { () throws(WireError) in _ = try WireYAML.decode(text.bytes) }
        #expect(error?.code == code)
    }

    @Test func refusesWhatIsNotUTF8() {
        for hex in ["ff", "61 c3 28", "22 ed a0 80 22", "80", "61 00", "07"] {
            let error = wireError { () throws(WireError) in _ = try WireYAML.decode([UInt8](hex: hex)) }
            #expect(error?.code == .invalidUTF8, "\(hex)")
        }
    }

    @Test func roundTripsRandomValues() throws {
        var generator = SeededGenerator(seed: 10)
        for _ in 0..<1000 {
            let value = WireValue.random(depth: 4, bytes: true, using: &generator)
            let text = try WireYAML.encode(value)
            #expect(try WireYAML.decode(text) == value)
            #expect(text.dropLast().allSatisfy { 0x20...0x7e ~= $0 })
        }
    }

    static let written: [(WireValue, String)] = [
        (
            ["a": [1, nil, true, "yes"], "é": "😀\n\""],
            #"{"a": [1, null, true, "yes"], "\u00e9": "\U0001f600\u000a\""}"#
        ),
        (1e16, "1.0e+16"), (1e-7, "1.0e-07"), (1.5e300, "1.5e+300"), (.double(.infinity), ".inf"), (0.5, "0.5"),
        (.double(-.infinity), "-.inf"), (.double(.nan), ".nan"), (.bytes("hi".bytes), "!!binary \"aGk=\""),
        (.number("1180591620717411303424"), "1180591620717411303424"), ([], "[]"), ([:], "{}"), ("", "\"\""),
    ]

    @Test(arguments: written) func writes(value: WireValue, text: String) throws {
        #expect(String(decoding: try WireYAML.encode(value), as: UTF8.self) == text + "\n")
    }

    @Test func writesKeysOfAnyLength() throws {
        for count in [900, 998, 999, 1000, 1023, 1024, 5000] {
            let value: WireValue = [
                "a": 1, String(repeating: "k", count: count): [String(repeating: "é", count: 300): 2],
            ]
            #expect(try WireYAML.decode(try WireYAML.encode(value)) == value)
        }
    }

    @Test func refusesEveryPrefixOfAFlowAndSurvivesEveryChange() throws {
        var generator = SeededGenerator(seed: 11)
        var codes: Set<WireError.Code> = []
        var accepted = 0
        for _ in 0..<40 {
            let whole = try WireYAML.encode([.random(depth: 3, bytes: true, using: &generator)]).dropLast()
            for count in 1..<whole.count {
                let error = wireError { () throws(WireError) in _ = try WireYAML.decode(Array(whole[..<count])) }
                // A shortened tag is another tag.
                #expect(error?.code == .malformed || error?.code == .unsupported, "cut at \(count)")
            }
            for _ in 0..<100 {
                var changed = Array(whole)
                changed[Int.random(in: 0..<changed.count, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
                do throws(WireError) {
                    let written = try WireYAML.encode(WireYAML.decode(changed))
                    #expect(try WireYAML.encode(WireYAML.decode(written)) == written)
                    accepted += 1
                } catch {
                    codes.insert(error.code)
                }
            }
        }
        #expect(accepted > 0)
        #expect(codes == [.malformed, .invalidUTF8, .unsupported, .nonStringKey, .invalidBase64])
    }

    static let bombs: [(String, WireError.Code)] = [
        ("[", .tooDeep), ("{a: ", .tooDeep), ("[{a: ", .tooDeep), ("- ", .tooDeep), ("? ", .nonStringKey),
        ("{", .tooDeep),
    ]

    @Test(arguments: bombs) func refusesDepthOnASmallStack(unit: String, code: WireError.Code) {
        let bomb = String(repeating: unit, count: 100_000).bytes
        let error = onSmallStack { wireError { () throws(WireError) in _ = try WireYAML.decode(bomb) } }
        #expect(error??.code == code)
    }

    @Test func keepsTheDepthLimit() throws {
        let most = String(repeating: "[", count: 128) + String(repeating: "]", count: 128)
        let value = try WireYAML.decode(most.bytes)
        #expect(try WireJSON.encode(value) == most.bytes)
        let error = wireError { () throws(WireError) in _ = try WireYAML.decode("[\(most)]".bytes) }
        #expect(error?.code == .tooDeep)
        // An alias is as deep as what it stands for.
        let nested = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
        let deep = wireError { () throws(WireError) in
            _ = try WireYAML.decode(
                "[&a \(nested), \(String(repeating: "[", count: 28))*a\(String(repeating: "]", count: 28))]".bytes)
        }
        #expect(deep?.code == .tooDeep)
        let fits = "[&a \(nested), \(String(repeating: "[", count: 27))*a\(String(repeating: "]", count: 27))]"
        #expect(try WireYAML.decode(fits.bytes)[0] == WireYAML.decode(nested.bytes))
    }

    @Test func stopsAliasesThatMultiply() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1..<12 {
            text += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", "))]\n"
        }
        let bomb = text.bytes
        let error = wireError { () throws(WireError) in _ = try WireYAML.decode(bomb) }
        #expect(error?.code == .tooManyValues)
    }

    @Test func stopsAliasesOfALongText() throws {
        let long = String(repeating: "x", count: 1 << 20)
        let bomb = "[&a \(long), \(Array(repeating: "*a", count: 4000).joined(separator: ", "))]"
        let error = wireError { () throws(WireError) in _ = try WireYAML.decode(bomb.bytes) }
        #expect(error?.code == .tooManyValues)
        #expect(try WireYAML.decode("[&a \(long), *a]".bytes)[1] == .string(long))
    }

    @Test func keepsTheOtherLimits() throws {
        let limits = WireLimits(maximumTokens: 4)
        #expect(try WireYAML.decode("[1, 2, 3]".bytes, limits: limits) == [1, 2, 3])
        for text in ["[1, 2, 3, 4]", "{a: 1, b: 2}", "[&a [1], *a]"] {
            let error = wireError { () throws(WireError) in _ = try WireYAML.decode(text.bytes, limits: limits) }
            #expect(error?.code == .tooManyValues)
        }
        let large = wireError { () throws(WireError) in
            _ = try WireYAML.decode("[1]".bytes, limits: WireLimits(maximumMessageBytes: 2))
        }
        #expect(large?.code == .tooLarge)
        var value = WireValue.array([])
        for _ in 0..<128 { value = [value] }
        let tooDeep = value
        let error = wireError { () throws(WireError) in _ = try WireYAML.encode(tooDeep) }
        #expect(error?.code == .tooDeep)
    }
}
