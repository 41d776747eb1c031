import CeleriacWire
import Testing

@Suite struct GoJSONTests {
    /// What Go's `encoding/json` writes for these `float64`s.
    @Test(
        arguments: [
            (0.0, "0"), (-0.0, "-0"), (1.0, "1"), (-1.5, "-1.5"), (0.1, "0.1"), (1e20, "100000000000000000000"),
            (1e21, "1e+21"), (1.5e300, "1.5e+300"), (1e-6, "0.000001"), (1e-7, "1e-7"), (1.25e-7, "1.25e-7"),
            (123456789.125, "123456789.125"), (Double.leastNonzeroMagnitude, "5e-324"),
            (1.7976931348623157e308, "1.7976931348623157e+308"),
            (9007199254740992, "9007199254740992"), (1234567890123456768, "1234567890123456800"), (0.00012, "0.00012"),
        ] as [(Double, String)])
    func floatsAreWrittenAsGoDoes(_ value: Double, _ text: String) throws {
        #expect(String(decoding: try WireJSON.encode(.double(value), style: .go), as: UTF8.self) == text)
    }

    @Test func theGoReaderStopsAfterOneValueAndKnowsNoNaN() throws {
        #expect(try WireJSON.decode(Array("1 garbage".utf8), reading: .go) == 1)
        for text in ["NaN", "Infinity", "-Infinity"] {
            #expect(throws: WireError.self) { try WireJSON.decode(Array(text.utf8), reading: .go) }
        }
        #expect(try WireJSON.decode(Array(#"{"é":1,"é":2}"#.utf8), reading: .go).objectValue?.count == 1)
    }
}
