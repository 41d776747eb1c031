/// A run as a page that one can look at: the sections of the specification, and a square for each case.
enum HTMLReport {
    /// The text of the page, which needs no other file.
    static func text(_ summary: ConformanceSummary) -> String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width">
        <title>Conformance: \(summary.title.escapedForMarkup)</title>
        <style>\(style)</style>
        <h1>Conformance to the wire</h1>
        <p class="what"><code>\(summary.title.escapedForMarkup)</code></p>
        <p class="score">\(summary.score.map { "\($0) %" } ?? "no case")</p>
        <p>\(legend(summary))</p>
        \(sections(summary).map { section($0.name, $0.rows) }.joined(separator: "\n"))
        \(details(summary))
        </html>

        """
    }

    /// The rows by section, both in the order in which they first occur.
    private static func sections(_ summary: ConformanceSummary) -> [(name: String, rows: [ConformanceRow])] {
        var names: [String] = []
        var rows: [String: [ConformanceRow]] = [:]
        for row in summary.rows {
            if rows[row.testCase.section] == nil { names.append(row.testCase.section) }
            rows[row.testCase.section, default: []].append(row)
        }
        return names.sorted().map { ($0, rows[$0] ?? []) }
    }

    private static func section(_ name: String, _ rows: [ConformanceRow]) -> String {
        let right = rows.count(where: { $0.verdict == .ok })
        let squares = rows.map { row in
            let words = "\(row.testCase.id): \(row.verdict.rawValue). \(row.testCase.procedure) \(row.detail ?? "")"
            return "<i class=\"\(row.verdict.rawValue)\" title=\"\(words.escapedForMarkup)\"></i>"
        }
        return """
            <h2>\(name.escapedForMarkup) <small>\(right) of \(rows.count)</small></h2>
            <div class="cases">\(squares.joined())</div>
            """
    }

    private static func legend(_ summary: ConformanceSummary) -> String {
        let entries = Verdict.allCases.filter { summary.count($0) > 0 }.map { verdict in
            "<span><i class=\"\(verdict.rawValue)\"></i> \(summary.count(verdict)) \(verdict.rawValue)</span>"
        }
        return entries.joined(separator: " ")
    }

    private static func details(_ summary: ConformanceSummary) -> String {
        let rows = summary.rows.filter { $0.verdict.isBad || $0.verdict == .nonStrict }
        guard !rows.isEmpty else { return "" }
        let lines = rows.map { row in
            "<tr><td>\(row.verdict.rawValue)<td><code>\(row.testCase.id.escapedForMarkup)</code>"
                + "<td>\((row.detail ?? "").escapedForMarkup)"
        }
        return "<h2>What is not right</h2>\n<table>\n\(lines.joined(separator: "\n"))\n</table>"
    }

    private static let style = """
        :root{color-scheme:light dark;--ok:#2a7d3f;--soft:#b58a00;--none:#8a8f98;--bad:#b3262e}
        body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
        h1{margin-bottom:0}h2{font-size:1rem;margin:1.2rem 0 .3rem}small{font-weight:normal;opacity:.7}
        .what{margin-top:0;opacity:.8}.score{font-size:3rem;font-weight:700;margin:.2rem 0}
        .cases{display:flex;flex-wrap:wrap;gap:3px}span{margin-right:1rem;white-space:nowrap}
        i{display:inline-block;width:12px;height:12px;border-radius:2px;background:var(--none)}
        i.OK{background:var(--ok)}i.NON-STRICT{background:var(--soft)}
        i.INFORMATIONAL,i.UNIMPLEMENTED{background:var(--none);opacity:.5}
        i.FAILED,i.TIMEOUT,i.CRASH,i.FLAKY{background:var(--bad)}
        table{border-collapse:collapse;font-size:.85rem}td{padding:.2rem .8rem .2rem 0;vertical-align:top}
        """
}
