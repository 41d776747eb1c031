import CeleriacWire
import Foundation
import Testing

@testable import CeleriacTool

/// The live tiers with servers in memory and a testee that does what a test says.
@Suite("The conformance kit's live tiers", .timeLimit(.minutes(1))) struct LivePlayTests {
    private func testCase(
        _ steps: WireValue, level: String = "MUST", needs: WireValue = []
    ) throws -> ConformanceCase {
        try ConformanceCase([
            "id": "celery/worker/live/x/1", "role": "worker", "level": .string(level), "section": "1",
            "procedure": "Do it.", "versions": ["5.7.0"], "op": "live",
            "input": ["brokers": ["redis"], "needs": needs, "steps": steps], "expect": ["steps": true],
        ])
    }

    /// What a run of one case finds, with testees of this behaviour.
    private func row(
        _ testCase: ConformanceCase, role: LiveRole = .producer, lacks: Set<String> = [],
        _ behaviour: @escaping @Sendable (ScriptedTestee, WireValue, ScriptedServer) -> WireValue? = { _, _, _ in nil }
    ) async throws -> (row: ConformanceRow, launches: Int) {
        let server = ScriptedServer()
        let launches = Counter()
        let site = ConformanceSite(
            role: role, dialect: .celery, broker: server, store: server, starting: .zero,
            launch: {
                launches.add()
                let testee = ScriptedTestee(server: server, behaviour: behaviour)
                server.attach(testee)
                return testee
            })
        let rows = try await LiveRun(site: site, lacks: lacks).rows(of: [testCase])
        return (try #require(rows.first), launches.count)
    }

    private static let stored: WireValue = [
        "store": "celery-task-meta-${a}", "value": ["status": "SUCCESS", "result": 5, "task_id": "${a}"],
    ]

    @Test("placeholders are the same within a run, and times are what they say")
    func placeholders() throws {
        var placeholders = LivePlaceholders(began: Date(timeIntervalSince1970: 1_800_000_000))
        let same = (placeholders.fill("x ${a} y"), placeholders.fill("x ${a} y"))
        let other = placeholders.fill("x ${b} y")
        #expect(same.0 == same.1 && !same.0.contains("$") && same.0 != other)
        let times = ["${now}", "${nowz+1.5}", "${nown-1}", "${nowi}", "${a"].map { placeholders.fill($0) }
        #expect(
            times == [
                "2027-01-15T08:00:00+00:00", "2027-01-15T08:00:01.500000Z", "2027-01-15T07:59:59",
                "2027-01-15T13:30:00+05:30", "${a",
            ])
        placeholders.set("a", to: "own")
        let filled = placeholders.fill(["${a}": ["${a}"]] as WireValue)
        #expect(filled == ["own": ["own"]])
    }

    @Test("a worker is warmed up, gets messages, and its results are looked at")
    func worker() async throws {
        let steps: WireValue = [
            ["send": ["headers": ["id": "${a}", "task": "tasks.add"], "value": [[2, 3], [:], nil]]],
            [
                "result": "celery-task-meta-${a}",
                "checks": [["at": ["value", "result"], "is": 5], ["at": ["value", "task_id"], "is": "${a}"]],
            ],
        ]
        let adds: @Sendable (ScriptedTestee, WireValue, ScriptedServer) -> WireValue? = { _, message, server in
            guard let id = message["headers"]?["id"], let key = id.stringValue else { return nil }
            let sum = (message["value"]?[0]?.arrayValue ?? []).compactMap(\.intValue).reduce(0, +)
            server.set("celery-task-meta-\(key)", to: ["status": "SUCCESS", "result": .int(Int64(sum)), "task_id": id])
            return nil
        }
        let good = try await row(try testCase(steps), role: .worker, adds)
        #expect(good.row.verdict == .ok && good.row.detail == nil && good.launches == 1)
    }

    @Test("what fails is asked again of a new testee, and what only SHOULD be is not strict")
    func verdicts() async throws {
        let ask: WireValue = ["ask": ["op": "get"]]
        let answer: WireValue = ["answer": true, "checks": [["at": ["value", "result"], "is": 5]], "within": 0.2]
        let steps: WireValue = [ask, answer]
        let failed = try await row(try testCase(steps)) { _, _, _ in ["result": 6] }
        #expect(failed.row.verdict == .failed && failed.launches == 2)
        #expect(failed.row.detail?.hasPrefix("step 2: value.result is 6") == true)
        let late = try await row(try testCase(steps))
        #expect(late.row.verdict == .timeout)
        let ended = try await row(try testCase(steps)) { testee, _, _ in
            testee.end(with: 1)
            return nil
        }
        #expect(ended.row.verdict == .crash)
        let soft = try await row(try testCase(steps, level: "SHOULD")) { _, _, _ in ["result": 6] }
        #expect(soft.row.verdict == .nonStrict && soft.launches == 1)
        let told = try await row(try testCase(steps, level: "INFORMATIONAL")) { _, _, _ in ["result": 6] }
        #expect(told.row.verdict == .informational)
        let lacking = try await row(try testCase(steps, needs: ["control"]), lacks: ["control"])
        #expect(lacking.row.verdict == .unimplemented && lacking.launches == 0)
        let unsupported = try await row(try testCase(steps)) { _, _, _ in ["unsupported": "no"] }
        #expect(unsupported.row.verdict == .unimplemented)
        let turns = Counter()
        let flaky = try await row(try testCase(steps)) { _, _, _ in
            turns.add()
            return ["result": turns.count == 1 ? 6 : 5]
        }
        #expect(flaky.row.verdict == .flaky)
    }

    @Test("an operation that is unsupported is noticed while the wire shows nothing")
    func unsupported() async throws {
        let steps: WireValue = [
            ["ask": ["op": "control"]], ["receive": "celery", "within": 0.2], ["answer": true],
        ]
        let found = try await row(try testCase(steps)) { _, _, _ in ["unsupported": "no"] }
        #expect(found.row.verdict == .unimplemented)
    }

    @Test("the wire is looked at: messages, what is published, commands, and what was kept")
    func wire() async throws {
        let message: WireValue = ["headers": ["id": "${a}"], "value": ["node": ["ok": "pong"]]]
        let steps: WireValue = [
            ["listen": "celeryev"], ["subscribe": "channel"], Self.stored,
            ["result": "celery-task-meta-${a}", "checks": [["at": ["value", "result"], "is": 5]]],
            ["bind": "replies", "exchange": "reply", "key": "${oid}"], ["send": message, "to": "replies"],
            [
                "receive": "replies",
                "checks": [["at": ["only", "ok"], "is": "pong"], ["at": ["headers", "id"], "contains": "-"]],
                "keep": ["kept": ["headers", "id"]],
            ],
            ["broadcast": ["headers": [:], "value": [["type": "x"], ["type": "y"]]], "exchange": "celeryev"],
            ["hear": "celeryev", "checks": [["at": ["value", "type"], "is": "y"]]],
            ["await": ["EXISTS", "celery-task-meta-${kept}"], "is": 1], ["absent": "celery-task-meta-${b}"],
            ["await": ["EXISTS", "nothing"], "is": 1, "within": 0.05, "optional": true],
        ]
        let good = try await row(try testCase(steps))
        #expect(good.row.verdict == .ok, "\(good.row.detail ?? "")")
        for wrong in [
            ["absent": "celery-task-meta-${a}"], ["await": ["EXISTS", "nothing"], "is": 1, "within": 0.05],
            ["receive": "replies", "within": 0.05], ["hear": "celeryev", "within": 0.05],
            ["told": "channel", "within": 0.05],
        ] as [WireValue] {
            let bad = try await row(try testCase([["listen": "celeryev"], Self.stored, wrong]))
            #expect(bad.row.verdict.isBad, "\(wrong)")
        }
    }

    @Test("a monitor is known by the lines that it prints")
    func monitor() async throws {
        let steps: WireValue = [
            ["broadcast": ["headers": ["hostname": "${a}"], "value": [:]], "exchange": "celeryev"],
            ["printed": true, "within": 5, "checks": [["at": ["text"], "contains": "heard ${a}"]]],
        ]
        let prints: @Sendable (ScriptedTestee, WireValue, ScriptedServer) -> WireValue? = { testee, message, _ in
            testee.say("something else")
            testee.say("heard \(message["headers"]?["hostname"]?.stringValue ?? "")")
            return nil
        }
        let good = try await row(try testCase(steps), role: .monitor, prints)
        #expect(good.row.verdict == .ok, "\(good.row.detail ?? "")")
        let other: WireValue = ["printed": true, "within": 0.1, "checks": [["at": ["text"], "contains": "${b}"]]]
        let late = try await row(try testCase([other]), role: .monitor, prints)
        #expect(late.row.verdict == .timeout)
    }

    @Test("what comes to a queue in a time is counted")
    func counting() async throws {
        let none = try await row(try testCase([["count": "kit.every", "over": 0.05, "least": 0, "most": 0]]))
        #expect(none.row.verdict == .ok)
        let some = try await row(try testCase([["count": "kit.every", "over": 0.05, "least": 1, "most": 2]]))
        #expect(some.row.verdict == .failed && some.row.detail == "step 1: kit.every had 0 messages")
        let bounds: WireValue = ["least": 1, "most": 2]
        #expect(LivePlay.miscount(["a", "b"], bounds) == nil)
        #expect(LivePlay.miscount(["a", "a"], bounds) == "two messages with the same id")
        #expect(LivePlay.miscount(["a", "b", "c"], bounds) == "3 messages")
    }

    @Test("a testee may be ended by a step, and the next case gets another")
    func ending() async throws {
        let steps: WireValue = [["signal": "TERM"], ["ended": [0], "within": 5]]
        let good = try await row(try testCase(steps))
        #expect(good.row.verdict == .ok)
        let bad = try await row(try testCase([["signal": "KILL"], ["ended": [0], "within": 5]]))
        #expect(bad.row.verdict == .failed && bad.row.detail == "step 2: the testee has ended with 137")
    }

    @Test("a step that is unknown, and a worker that does nothing, end the run")
    func errors() async throws {
        let unknown = try testCase([["later": 1]])
        await #expect(throws: ConformanceError.self) { try await row(unknown) }
        let plain = try testCase([Self.stored])
        await #expect(throws: ConformanceError.self) {
            try await row(plain, role: .worker) { testee, _, _ in
                testee.end(with: 1)
                return nil
            }
        }
    }

    @Test("each of the 36 pitfalls has a case, or a reason why it has none")
    func pitfalls() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Compat/kit").path
        var ids: [String] = []
        for dialect in Corpus.Dialect.allCases {
            for tier in ["codec", "live"] {
                ids += try Corpus(folder: folder, dialect: dialect, tier: tier).cases.map(\.id)
            }
        }
        let page = try String(contentsOfFile: folder + "/PITFALLS.md", encoding: .utf8)
        let rows = page.split(separator: "\n").map { line in
            line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        }
        let numbered = rows.filter { $0.count == 3 && Int($0[0]) != nil }
        #expect(numbered.compactMap { Int($0[0]) } == Array(1...36))
        for row in numbered {
            // Every second part stands in code quotes; ids have more than two words.
            let parts = row[2].split(separator: "`", omittingEmptySubsequences: false).map(String.init)
            let quoted = stride(from: 1, to: parts.count, by: 2).map { parts[$0] }
            let named = quoted.filter { $0.split(separator: "/").count > 2 }
            #expect(!named.isEmpty || row[2].hasPrefix("n/a: "), "pitfall \(row[0])")
            for name in named {
                let start = name.hasSuffix("*") ? String(name.dropLast()) : name
                let isPrefix = name.hasSuffix("*") || name.hasSuffix("/")
                #expect(ids.contains { isPrefix ? $0.hasPrefix(start) : $0 == name }, "\(row[0]): \(name)")
            }
        }
    }

    @Test("the live corpus can be read, and has what its tiers are to have")
    func corpus() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Compat/kit").path
        let least: [(Corpus.Dialect, String, Int)] = [
            (.celery, "live-worker", 180), (.celery, "live-producer", 45), (.celery, "live-client", 20),
            (.celery, "live-beat", 20), (.celery, "live-monitor", 30),
            (.machinery, "live-worker", 50), (.machinery, "live-producer", 20), (.machinery, "live-client", 10),
        ]
        for (dialect, tier, count) in least {
            let corpus = try Corpus(folder: folder, dialect: dialect, tier: tier)
            #expect(corpus.cases.count >= count)
            for testCase in corpus.cases {
                #expect(testCase.input["steps"]?.arrayValue?.isEmpty == false, "\(testCase.id)")
                #expect(LiveBrokerKind.allCases.contains { testCase.isPlayed(at: $0) }, "\(testCase.id)")
            }
        }
    }
}
