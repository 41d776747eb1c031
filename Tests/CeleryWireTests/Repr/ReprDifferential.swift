import CeleriacWire
import CeleryWire
import Foundation
import Testing

@Test func reprDifferentialTemporary() throws {
    var bad = 0
    for line in try String(contentsOfFile: "/tmp/celerywire/repr.jsonl", encoding: .utf8).split(separator: "\n") {
        let row = try JSON.decode(Array(line.utf8))
        let limits = PythonRepr(maximumLength: row[1]!.intValue!, maximumDepth: row[2]!.intValue!)
        let text = row[3] == "a" ? limits.text(args: row[0]!.arrayValue!) : limits.text(kwargs: row[0]!.objectValue!)
        if text != row[4]!.stringValue! {
            bad += 1
            if bad < 6 { Issue.record("\(line)\n got \(text)") }
        }
    }
    #expect(bad == 0)
}
