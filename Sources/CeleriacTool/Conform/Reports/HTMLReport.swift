/// A run as a page that one can look at: the sections of the specification, a square for each case, and what is not right.
enum HTMLReport {
    /// The text of the page, which needs no other file.
    static func text(_ summary: ConformanceSummary) -> String {
        let title = summary.title.escapedForMarkup
        let sections = Self.sections(summary)
        let score = summary.score.map { "\($0)<small> %</small>" } ?? "<small>no case</small>"
        return """
            <!DOCTYPE html>
            <html lang="en">
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width">
            <title>Conformance: \(title)</title>
            <style>\(style)</style>
            <header>
            <p class="score">\(score)</p>
            <div>
            <h1>Conformance to the wire</h1>
            <p class="what"><code>\(title)</code></p>
            <p class="sum">\(summary.rows.count) cases in \(sections.count) sections of the specification</p>
            </div>
            </header>
            \(bar(summary))
            <h2>By section</h2>
            <table class="sections">
            \(sections.map { section($0.name, $0.rows) }.joined(separator: "\n"))
            </table>
            \(details(summary))
            <footer>Conformance kit \(Corpus.version).0. The score is the share of right cases among those that were judged \
            right or wrong.</footer>
            </html>

            """
    }

    // MARK: The sum

    private static func bar(_ summary: ConformanceSummary) -> String {
        let found = Verdict.allCases.filter { summary.count($0) > 0 }
        let parts = found.map { verdict in
            "<i class=\"\(verdict.rawValue)\" style=\"flex-grow:\(summary.count(verdict))\"></i>"
        }
        let entries = found.map { verdict in
            let count = "<strong>\(summary.count(verdict))</strong> \(verdict.rawValue)"
            return "<li><i class=\"\(verdict.rawValue)\"></i>\(count) <small>\(verdict.meaning)</small></li>"
        }
        return "<div class=\"bar\">\(parts.joined())</div>\n<ul class=\"legend\">\(entries.joined())</ul>"
    }

    // MARK: Sections

    /// The rows by section, in the order of the sections' numbers. What has no number comes last.
    private static func sections(_ summary: ConformanceSummary) -> [(name: String, rows: [ConformanceRow])] {
        var rows: [String: [ConformanceRow]] = [:]
        for row in summary.rows { rows[row.testCase.section, default: []].append(row) }
        let sorted = rows.sorted { left, right in
            let numbers = (number(left.key), number(right.key))
            guard numbers.0 != numbers.1 else { return left.key < right.key }
            return numbers.0.lexicographicallyPrecedes(numbers.1)
        }
        return sorted.map { ($0.key, $0.value) }
    }

    private static func number(_ section: String) -> [Int] {
        let digits = section.prefix { $0.isNumber || $0 == "." }
        let numbers = digits.split(separator: ".").compactMap { Int($0) }
        return numbers.isEmpty ? [Int.max] : numbers
    }

    private static func section(_ name: String, _ rows: [ConformanceRow]) -> String {
        let right = rows.count(where: { $0.verdict == .ok })
        let mark = rows.contains(where: \.verdict.isBad) ? " class=\"bad\"" : ""
        return """
            <tr\(mark)><th scope="row">\(name.escapedForMarkup)<td class="cases">\(rows.map(square).joined())\
            <td class="count">\(right)<small>/\(rows.count)</small>
            """
    }

    /// A square whose title is the case. One that is not right leads to its line below.
    private static func square(_ row: ConformanceRow) -> String {
        let words = "\(row.testCase.id): \(row.verdict.rawValue). \(row.testCase.procedure) \(row.detail ?? "")"
        let attributes = "class=\"\(row.verdict.rawValue)\" title=\"\(words.escapedForMarkup)\""
        guard isShown(row) else { return "<i \(attributes)></i>" }
        return "<a href=\"#\(row.testCase.id.escapedForMarkup)\" \(attributes)></a>"
    }

    // MARK: Details

    private static func isShown(_ row: ConformanceRow) -> Bool { row.verdict.isBad || row.verdict == .nonStrict }

    private static func details(_ summary: ConformanceSummary) -> String {
        let rows = summary.rows.filter(isShown)
        guard !rows.isEmpty else { return "" }
        let lines = rows.map { row in
            let id = row.testCase.id.escapedForMarkup
            let verdict = "<i class=\"\(row.verdict.rawValue)\"></i> \(row.verdict.rawValue)"
            return "<tr id=\"\(id)\"><td>\(verdict)<td><code>\(id)</code><br>"
                + "<small>\(row.testCase.procedure.escapedForMarkup)</small><td>\((row.detail ?? "").escapedForMarkup)"
        }
        return """
            <h2>What is not right</h2>
            <table class="details">
            <thead><tr><th>Verdict<th>Case<th>What was seen</thead>
            \(lines.joined(separator: "\n"))
            </table>
            """
    }
}
