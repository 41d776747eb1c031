import CeleriacTestKit
import CeleriacWire
import Foundation
import Testing

@testable import CeleriacTool

@Suite("The conformance kit's runner") struct ConformanceTests {
    private func testCase(
        _ id: String = "celery/worker/x/1", level: String = "MUST", expect: WireValue = ["answered": true]
    ) throws -> ConformanceCase {
        try ConformanceCase([
            "id": .string(id), "role": "worker", "level": .string(level), "section": "1", "procedure": "Read <it>.",
            "versions": ["5.7.0"], "op": "task.read", "input": ["envelope": ""], "expect": expect,
        ])
    }

    @Test(
        "--json prints the report, --json-file writes it, and nothing is written over the cases",
        .timeLimit(.minutes(5)))
    func reports() async throws {
        let kit = URL(filePath: #filePath).appending(path: "../../../../Compat/kit").standardized.path
        let folder = try TemporaryFolder("conform")
        defer { folder.remove() }
        let (file, list) = (folder.path + "/report.json", folder.path + "/known")
        try Data("# none\n".utf8).write(to: URL(filePath: list))
        let chosen = [
            "conform", "codec", "--kit", kit, "--case", "celery/beat/crontab/next/1.1", "--known-failing", list,
        ]
        let testee = ["--", try Support.celeriac, "conform-testee"]
        let run = try await CommandRun(chosen + ["--json", "--json-file", file] + testee)
        #expect(run.status == .exited(0), "\(run.errors)")
        let printed = try WireJSON.decode(Array(run.output.utf8))
        #expect(printed["cases"]?[0]?["verdict"] == "OK" && printed["cases"]?.arrayValue?.count == 1)
        #expect(try WireJSON.decode(Array(Support.text(file).utf8)) == printed)
        for path in [list, kit + "/celery/codec-crontab.json"] {
            let content = Support.text(path)
            let refused = try await CommandRun(chosen + ["--json-file", path] + testee)
            #expect(
                refused.status == .exited(64) && refused.errors.contains("--json-file \(path)"), "\(refused.errors)")
            #expect(Support.text(path) == content)
        }
        let page = try await CommandRun(["conform", "matrix", "--html", file, "A=\(file)"])
        #expect(page.status == .exited(64) && page.errors.contains("--html \(file)"), "\(page.errors)")
        let explained = try await CommandRun([
            "conform", "codec", "--kit", kit, "--explain", "celery/beat/crontab/next/1.1", "--json",
        ])
        #expect(try WireJSON.decode(Array(explained.output.utf8))["id"] == "celery/beat/crontab/next/1.1")
    }

    @Test("values are compared by what they mean")
    func values() {
        #expect(ConformanceValue.same(.int(1), .double(1)))
        #expect(!ConformanceValue.same(.bool(true), .int(1)))
        #expect(ConformanceValue.same(["a": 1, "b": 2], ["b": 2, "a": 1]))
        #expect(!ConformanceValue.same(["a": 1], ["a": 1, "b": 2]))
        let text: WireValue = ["__type__": "bytes", "__value__": "a"]
        #expect(ConformanceValue.normal(text) == ConformanceValue.normal(.bytes([97])))
        #expect(ConformanceValue.normal(.double(.nan)) == ["__type__": "float", "__value__": "nan"])
    }

    @Test("an expectation says why a response is not what it wants")
    func expectations() throws {
        let answer = try Expectation(["answer": ["id": "a", "retries": 0]])
        #expect(answer.problem(with: .answer(["id": "a", "retries": 0.0, "more": 1])) == nil)
        #expect(answer.problem(with: .answer(["id": "b", "retries": 0]))?.contains("id is") == true)
        #expect(answer.problem(with: .refused("no")) != nil)
        let refused = try Expectation(["refused": true, "text": "is not int64"])
        #expect(refused.problem(with: .refused("x is not int64")) == nil)
        #expect(refused.problem(with: .refused("other")) != nil)
        #expect(refused.problem(with: .answer(1)) != nil)
        #expect(throws: ConformanceError.self) { try Expectation(["later": 1]) }
    }

    @Test("checks look at the decoded form of what was written")
    func checks() throws {
        let expectation = try Expectation([
            "view": "document",
            "checks": [
                ["at": ["value", "status"], "is": "SUCCESS"], ["at": ["value", "group_id"], "absent": true],
                ["at": ["value", "traceback"], "kind": ["string", "null"]],
            ],
        ])
        func written(_ text: String) -> TesteeResponse {
            .answer(["body": .string(Base64.encode(Array(text.utf8)))])
        }
        #expect(expectation.problem(with: written(#"{"status": "SUCCESS", "traceback": null}"#)) == nil)
        #expect(expectation.problem(with: written(#"{"status": "FAILURE", "traceback": null}"#)) != nil)
        #expect(expectation.problem(with: written(#"{"status": "SUCCESS", "traceback": 1}"#)) != nil)
        #expect(expectation.problem(with: written(#"{"status": "SUCCESS", "traceback": null, "group_id": 1}"#)) != nil)
        #expect(expectation.problem(with: written("not json")) != nil)
    }

    @Test("the level decides what a failure is called")
    func verdicts() {
        #expect(Verdict.on(.answer(1), problem: nil, level: .must) == .ok)
        #expect(Verdict.on(.answer(1), problem: "x", level: .must) == .failed)
        #expect(Verdict.on(.answer(1), problem: "x", level: .should) == .nonStrict)
        #expect(Verdict.on(.answer(1), problem: "x", level: .may) == .informational)
        #expect(Verdict.on(.answer(1), problem: nil, level: .informational) == .informational)
        #expect(Verdict.on(.crash, problem: "x", level: .informational) == .crash)
        #expect(TesteeResponse(Array(#"{"id": "b", "answer": 1}"#.utf8), to: "a") == .crash)
        #expect(TesteeResponse(Array(#"{"id": "a", "answer": null}"#.utf8), to: "a") == .answer(.null))
    }

    @Test("a list of known failures covers what fails, and is stale when it lists what does not")
    func knownFailing() throws {
        let rows = [
            ConformanceRow(testCase: try testCase("a"), verdict: .failed, detail: "x"),
            ConformanceRow(testCase: try testCase("b"), verdict: .ok, detail: nil),
        ]
        #expect(ConformanceSummary(title: "t", rows: rows).exitStatus == 1)
        #expect(ConformanceSummary(title: "t", rows: rows, known: KnownFailing("a # why\n\n")).exitStatus == 0)
        #expect(ConformanceSummary(title: "t", rows: rows, known: KnownFailing("a\nb")).stale == ["b"])
        #expect(ConformanceSummary(title: "t", rows: rows, known: KnownFailing("a\nc")).exitStatus == 1)
        let partial = ConformanceSummary(title: "t", rows: rows, known: KnownFailing("a\nc"), isWhole: false)
        #expect(partial.exitStatus == 0)
    }

    @Test("reports escape what testees say")
    func reports() throws {
        let row = ConformanceRow(testCase: try testCase(), verdict: .failed, detail: "<b>\u{1}&\"")
        let summary = ConformanceSummary(title: "a <b>", rows: [row])
        for text in [JUnitReport.text(summary), HTMLReport.text(summary)] {
            #expect(!text.contains("<b>") && text.contains("&lt;b&gt;\u{fffd}&amp;&quot;"))
        }
        #expect(JUnitReport.text(summary).contains("failures=\"1\""))
        #expect(BadgeReport.text(summary).contains("0 %"))
        #expect(summary.json["counts"]?["FAILED"] == 1)
    }

    @Test("a matrix has a column for each implementation, and the worse verdict of a case that was asked twice")
    func matrix() throws {
        func report(_ verdicts: [(String, String)]) -> WireValue {
            let cases = verdicts.map { id, verdict -> WireValue in
                ["id": .string(id), "verdict": .string(verdict), "detail": "<why>"]
            }
            return ["kit": "1.0", "title": "a <b>", "cases": .array(cases)]
        }
        let (live, codec) = ("celery/worker/live/values/a", "celery/client/result/a")
        var matrix = ConformanceMatrix()
        try matrix.add(report([(codec, "OK"), (live, "OK")]), named: nil)
        try matrix.add(report([(live, "TIMEOUT")]), named: "other")
        try matrix.add(report([(live, "OK"), ("machinery/worker/state/a", "INFORMATIONAL")]), named: "other")
        #expect(matrix.columns.map(\.name) == ["a <b>", "other"] && matrix.count == 3)
        #expect(matrix.columns.map(\.score) == [100, 0])
        #expect(
            matrix.topics.map { "\($0.part): \($0.name)" } == [
                "Celery, worker, live: values", "Celery, client, codec: result", "Machinery, worker, codec: state",
            ])
        let text = HTMLMatrix.text(matrix)
        #expect(text.contains("a &lt;b&gt;") && text.contains("TIMEOUT: &lt;why&gt;") && !text.contains("<why>"))
        let late = ##"<td class="cell most" title="1 TIMEOUT"><a href="#Celery-worker-live-values">"##
        #expect(text.contains(late))
        #expect(text.contains("<td class=\"cell unrun\"") && text.contains("<td class=\"cell idle\""))
        for wrong in [["kit": "1.0"], ["kit": "2.0", "cases": []]] as [WireValue] {
            #expect(throws: ConformanceError.self) { try matrix.add(wrong, named: "x") }
        }
    }

    @Test("the corpus is whole, and this package answers every question of it")
    func corpus() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Compat/kit").path
        let counts: [Corpus.Dialect: Int] = [.celery: 400, .machinery: 120]
        for (dialect, least) in counts {
            let corpus = try Corpus(folder: folder, dialect: dialect, tier: "codec")
            #expect(corpus.cases.count >= least)
            for testCase in corpus.cases {
                let response = TesteeResponse(CodecAnswers.answer(to: try testCase.question()), to: testCase.id)
                let problem = testCase.expectation.problem(with: response)
                let verdict = Verdict.on(response, problem: problem, level: testCase.level)
                #expect(!verdict.isBad && verdict != .unimplemented, "\(testCase.id): \(problem ?? "")")
            }
            #expect(corpus.chosen(prefixes: [], seed: 1).map(\.id) != corpus.cases.map(\.id))
            #expect(corpus.chosen(prefixes: [], seed: 1).map(\.id) == corpus.chosen(prefixes: [], seed: 1).map(\.id))
        }
    }
}
