import CeleriacWire
import Testing

@testable import CeleriacCommand

@Suite("What verbs print") struct CommandOutputTests {
    @Test("a table has columns as wide as their widest cell, and nothing that controls a terminal")
    func table() {
        let table = TextTable(["ID", "TASK"], [["1", "tasks.add"], ["long-id", nil]], empty: "none")
        #expect(table.lines == ["ID       TASK", "1        tasks.add", "long-id  -"])
        let hostile = TextTable(["ID"], [["x\u{1b}[2J"]], empty: "none").lines
        #expect(hostile.first == "ID" && hostile.last?.hasPrefix("x") == true)
        #expect(hostile.allSatisfy { !$0.contains("\u{1b}") })
        #expect(TextTable(["ID"], [], empty: "none").lines == ["none"])
        // Cells are whole whatever they are made of, and an empty one keeps its place.
        let odd = TextTable(["ID", "T"], [["🥕🥕🥕", "x"], ["", "y"]], empty: "none").lines
        #expect(odd == ["ID   T", "🥕🥕🥕  x", "     y"])
    }

    @Test("values are readable, or JSON in ASCII, with Base64 for bytes")
    func values() {
        let value: WireValue = ["å", .bytes([1, 2]), .double(.nan)]
        #expect(CommandOutput(json: false).text(of: value) == #"["å", {"base64": "AQI="}, NaN]"#)
        #expect(CommandOutput(json: true).text(of: value) == #"["\u00e5", {"base64": "AQI="}, NaN]"#)
        #expect(CommandOutput.json(["a": 1]) == #"{"a": 1}"#)
    }

    @Test("who waits in vain is told who shows the result later, if anybody does")
    func missingResults() {
        #expect(
            CallCommand.missing("a", "yet", dialect: .machinery, isKept: true)
                == "the result of a has not arrived yet; celeriac result a --dialect machinery shows it later")
        #expect(
            CallCommand.missing("a", "within 1 s", dialect: .celery, isKept: false)
                == "the result of a has not arrived within 1 s")
    }
}
