import CeleriacTestKit
import CeleriacWire
import Foundation
import Testing

#if canImport(FoundationXML)
import FoundationXML
#endif

/// What a run of an interop matrix leaves.
@Suite("The interop report") struct InteropReportTests {
    private func report() throws -> InteropReport {
        let file = try InteropFileTests.file(
            "  - {name: 'a <1>', task: t, result: 1}", "  - {name: b, task: t, result: 1}",
            head: "brokers: [redis]\nresults: [redis, rpc]")
        var report = InteropReport()
        let verdicts: [InteropVerdict] = [
            .passed, .failed("\"<no>\" & \u{1}\nmore"), .skipped("no peer"), .notApplicable("none"),
        ]
        for (cell, verdict) in zip(file.cells, verdicts) {
            report.add(.init(cell: cell, verdict: verdict, seconds: 0.5))
        }
        for cell in file.cells.dropFirst(4) {
            report.add(.init(cell: cell, verdict: .notApplicable(cell.notApplicable ?? ""), seconds: 0))
        }
        return report
    }

    @Test("counts")
    func counts() throws {
        let report = try report()
        #expect(report.summary == "1 passed, 1 failed, 5 n/a, 1 skipped")
        #expect(report.hasFailed && report.hasTried)
        #expect(!InteropReport().hasTried)
    }

    @Test("what is skipped has failed if a peer was to be there, unless another one is missing")
    func requiring() throws {
        let file = try InteropFileTests.file("  - {name: a, task: t, result: 1}")
        let cell = try #require(file.cells.first)
        let skipped = InteropVerdict.skipped("no server")
        #expect(skipped.requiring([], in: cell) == skipped && skipped.requiring(["other"], in: cell) == skipped)
        #expect(InteropVerdict.passed.requiring([cell.producer.name], in: cell) == .passed)
        // The worker lacks what it needs.
        #expect(skipped.requiring([cell.worker.name], in: cell) == .failed("no server"))
    }

    @Test("the table has a part for each transport, and the reasons below")
    func table() throws {
        let lines = try report().text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        #expect(lines.first == "redis + redis  swift → swift  python → swift")
        #expect(lines.dropFirst().first == "a <1>          passed         skipped (1)")
        #expect(lines.dropFirst(2).first == "b              FAILED (2)     n/a (3)")
        #expect(lines.contains("(1) no peer") && lines.contains("(3) none"))
        #expect(lines.contains("redis + rpc: n/a: rpc results travel over RabbitMQ as the broker"))
    }

    @Test("a cell that nobody has tried is empty in the table")
    func empty() throws {
        let file = try InteropFileTests.file("  - {name: a, task: t, result: 1}")
        var report = InteropReport(of: file.cells)
        report.add(.init(cell: try #require(file.cells.last), verdict: .passed, seconds: 0))
        let lines = report.text.split(separator: "\n").map(String.init)
        #expect(lines.dropFirst().first == "a              EMPTY          passed")
    }

    @Test("JSON has a cell each")
    func json() throws {
        let json = try report().json
        #expect(json["counts"]?["passed"] == 1 && json["counts"]?["n/a"] == 5)
        #expect(json["cells"]?.arrayValue?.count == 8)
        let cell = try #require(json["cells"]?[1])
        #expect(cell["producer"] == "swift" && cell["worker"] == "swift" && cell["broker"] == "redis")
        #expect(cell["results"] == "redis" && cell["task"] == "b" && cell["shape"] == "plain")
        #expect(cell["verdict"] == "failed" && cell["seconds"] == 0.5)
        #expect(json["cells"]?[0]?["reason"] == nil)
    }

    @Test("JUnit's XML is well formed, whatever a reason says")
    func junit() throws {
        let text = try report().junit
        let seen = Elements()
        let parser = XMLParser(data: Data(text.utf8))
        parser.delegate = seen
        #expect(parser.parse(), "\(text)")
        #expect(seen.names.filter { $0 == "testsuite" }.count == 4)
        #expect(seen.names.filter { $0 == "testcase" }.count == 8)
        #expect(seen.names.filter { $0 == "skipped" }.count == 6)
        #expect(seen.messages.first == "\"<no>\" & \u{FFFD}\nmore")
        #expect(text.contains(#"<testsuites tests="8" failures="1" errors="0" skipped="6" time="2.0">"#))
    }

    private final class Elements: NSObject, XMLParserDelegate {
        var names: [String] = []
        var messages: [String] = []

        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
            attributes: [String: String]
        ) {
            names.append(name)
            if let message = attributes["message"] { messages.append(message) }
        }
    }
}
