import CeleriacWire

/// What a run found, for all forms of output.
struct ConformanceSummary: Sendable {
    let title: String
    let rows: [ConformanceRow]
    let known: KnownFailing
    let stale: [String]

    /// Makes a summary.
    ///
    /// - Parameters:
    ///   - title: what was tested, for instance the testee's command.
    ///   - rows: what was found.
    ///   - known: the cases that are known to fail.
    ///   - isWhole: whether the run had all cases.
    init(title: String, rows: [ConformanceRow], known: KnownFailing = .empty, isWhole: Bool = true) {
        self.title = title
        self.rows = rows
        self.known = known
        stale = known.stale(after: rows, isWhole: isWhole)
    }

    /// How many rows have a verdict.
    func count(_ verdict: Verdict) -> Int { rows.count(where: { $0.verdict == verdict }) }

    /// The cases that failed and are not known to.
    var unexpected: [ConformanceRow] { rows.filter { $0.verdict.isBad && !known.ids.contains($0.testCase.id) } }

    /// 0 if nothing failed but what is known to, and all of that did; else 1.
    var exitStatus: Int32 { unexpected.isEmpty && stale.isEmpty ? 0 : 1 }

    /// The share of the cases with a verdict of right or wrong that were right, in per cent, rounded down.
    var score: Int? { Self.score(rows.map(\.verdict)) }

    /// The score of verdicts; nil if none of them is right or wrong.
    static func score(_ verdicts: [Verdict]) -> Int? {
        let judged = verdicts.count(where: { $0 == .ok || $0 == .nonStrict || $0.isBad })
        return judged == 0 ? nil : verdicts.count(where: { $0 == .ok }) * 100 / judged
    }

    /// The counts in one line, without verdicts that nobody got.
    var line: String {
        let counts = Verdict.allCases.map { ($0, count($0)) }.filter { $0.1 > 0 }
        return counts.isEmpty ? "no case" : counts.map { "\($0.1) \($0.0.rawValue)" }.joined(separator: ", ")
    }

    /// What a person reads: everything that is not right, and the counts.
    var lines: [String] {
        var lines: [String] = []
        for row in rows where row.verdict.isBad || row.verdict == .nonStrict {
            let mark = known.ids.contains(row.testCase.id) ? " (known)" : ""
            lines.append("\(row.verdict.rawValue) \(row.testCase.id): \(row.detail ?? "")\(mark)")
        }
        lines += stale.map { "STALE \($0): listed as failing, and it does not fail" }
        return lines + [line]
    }

    /// The report as JSON, whose form has the version of the kit.
    var json: WireValue {
        var counts = WireObject()
        for verdict in Verdict.allCases { counts[verdict.rawValue] = .int(Int64(count(verdict))) }
        let cases = rows.map { row -> WireValue in
            [
                "id": .string(row.testCase.id), "level": .string(row.testCase.level.rawValue),
                "section": .string(row.testCase.section), "verdict": .string(row.verdict.rawValue),
                "detail": row.detail.map { .string($0) } ?? .null,
            ]
        }
        return [
            "kit": .string("\(Corpus.version).0"), "title": .string(title), "counts": .object(counts),
            "stale": .array(stale.map { .string($0) }), "cases": .array(cases),
        ]
    }
}
