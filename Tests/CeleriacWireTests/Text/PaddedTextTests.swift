import CeleriacWire
import Testing

struct PaddedTextTests {
    @Test func nothingIsCutOff() {
        #expect("ab".padded(to: 3) == "ab " && "abcd".padded(to: 3) == "abcd" && "".padded(to: 2) == "  ")
        #expect("🥕🥕".padded(to: 2) == "🥕🥕" && "🥕".padded(to: 2) == "🥕 ")
    }
}
