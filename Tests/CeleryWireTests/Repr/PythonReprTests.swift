import CeleriacWire
import CeleryWire
import Testing

/// The expected texts are what `celery.utils.saferepr` of Celery 5.7 prints for the same values.
@Suite struct PythonReprTests {
    @Test func tuplesAndDicts() {
        let repr = PythonRepr()
        #expect(repr.text(args: []) == "()")
        #expect(repr.text(args: [2]) == "(2,)")
        #expect(repr.text(args: [2, 3]) == "(2, 3)")
        #expect(repr.text(kwargs: [:]) == "{}")
        #expect(repr.text(kwargs: ["x": 1, "y": nil]) == "{'x': 1, 'y': None}")
        #expect(repr.text(of: [1, "a"]) == "[1, 'a']")
    }

    @Test func literals() {
        let values: [WireValue] = [
            nil, true, false, -1, .number("1180591620717411303424"), 1.0, 1e16, 1e22, 1e-5, -0.0, .double(.nan),
            .double(-.infinity), "it's", #"q"q"#, "n\nl", "\u{e9}\u{1f600}", .bytes([0x61]), .bytes([0xff, 0]),
        ]
        #expect(
            values.map { PythonRepr().text(of: $0) } == [
                "None", "True", "False", "-1", "1180591620717411303424", "1.0", "1e+16", "1e+22", "1e-05", "-0.0",
                "nan", "-inf", #"'it\'s'"#, #"'q"q'"#, "'n\nl'", "'\u{e9}\u{1f600}'", "b'a'", "b'ff00'",
            ])
    }

    @Test func typesInEnvelopes() {
        func text(_ type: String, _ value: WireValue) -> String {
            PythonRepr().text(of: ["__type__": .string(type), "__value__": value])
        }
        #expect(text("datetime", "2026-01-02T03:04:00") == "datetime.datetime(2026, 1, 2, 3, 4)")
        #expect(text("datetime", "2026-01-02T03:04:05") == "datetime.datetime(2026, 1, 2, 3, 4, 5)")
        #expect(
            text("datetime", "2026-01-02T03:04:00.000005+00:00")
                == "datetime.datetime(2026, 1, 2, 3, 4, 0, 5, tzinfo=datetime.timezone.utc)")
        #expect(
            text("datetime", "2026-01-02T03:04:00+05:30")
                == "datetime.datetime(2026, 1, 2, 3, 4, "
                + "tzinfo=datetime.timezone(datetime.timedelta(seconds=19800)))")
        #expect(
            text("datetime", "2026-01-02T03:04:00-05:00")
                == "datetime.datetime(2026, 1, 2, 3, 4, "
                + "tzinfo=datetime.timezone(datetime.timedelta(days=-1, seconds=68400)))")
        #expect(text("date", "2026-01-02") == "datetime.date(2026, 1, 2)")
        #expect(text("time", "03:00:00.000001") == "datetime.time(3, 0, 0, 1)")
        #expect(text("decimal", "1E+3") == "Decimal('1E+3')")
        #expect(
            text("uuid", ["hex": "12345678123456781234567812345678"]) == "UUID('12345678-1234-5678-1234-567812345678')")
        #expect(text("bytes", "hello") == "b'hello'")
        #expect(text("base64", "/wD+") == "b'ff00fe'")
        // An object that is not such a value is shown unchanged.
        #expect(text("date", "x") == "{'__type__': 'date', '__value__': 'x'}")
        #expect(text("base64", "!") == "{'__type__': 'base64', '__value__': '!'}")
        #expect(text("uuid", ["hex": "1"]) == "{'__type__': 'uuid', '__value__': {'hex': '1'}}")
    }

    @Test func deepContainersAreElided() {
        #expect(
            PythonRepr().text(args: [[1, [2, [3]]], ["a": ["b": ["c": 1]]]]) == "([1, [2, [...]]], {'a': {'b': {...}}})"
        )
        #expect(PythonRepr(maximumDepth: 1).text(args: [[1], [:]]) == "([...], {...})")
        var deep: WireValue = 1
        for _ in 0..<100 { deep = [deep] }
        #expect(PythonRepr(maximumDepth: 0).text(of: deep).contains("[...]"))
        #expect(PythonRepr(maximumDepth: .max).text(of: deep).contains("[...]"))
    }

    @Test func longTextIsCut() {
        func text(_ length: Int, _ values: WireValue...) -> String {
            PythonRepr(maximumLength: length).text(args: values)
        }
        #expect(text(5, "abcdefgh") == "('abcd...',)")
        #expect(text(10, "ab cd efghij") == "('ab cd...',)")
        #expect(text(8, [1, 2, 3, 4], 5) == "([1, 2, , ...])")
        #expect(text(1, 1, 2) == "(, ...)")
        #expect(text(0, 1) == ", ...")
        #expect(text(-1, 1) == ", ...")
    }
}
