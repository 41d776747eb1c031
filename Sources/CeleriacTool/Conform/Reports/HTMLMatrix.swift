/// Several implementations as a page that one can look at: a column for each, a row for each topic, and below the cases that
/// are not OK for all.
enum HTMLMatrix {
    /// The text of the page, which needs no other file.
    static func text(_ matrix: ConformanceMatrix) -> String {
        let heads = matrix.columns.map(head).joined()
        let details = matrix.topics.map { section($0, matrix) }.filter { !$0.isEmpty }
        return """
            <!DOCTYPE html>
            <html lang="en">
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width">
            <title>Conformance to the wire of Celery and Machinery</title>
            <style>\(style)</style>
            <header>
            <h1>Conformance to the wire</h1>
            <p class="soft">\(matrix.columns.count) implementations, \(matrix.count) cases of the conformance kit. A cell has \
            the cases that are OK, of those that ask something; a dot means that none was run.</p>
            <ul class="legend">\(legend(matrix))</ul>
            </header>
            <h2>By topic</h2>
            <div class="wide"><table class="matrix">
            <thead><tr><th scope="row">\(heads)</thead>
            \(rows(matrix))
            </table></div>
            \(details.isEmpty ? "" : "<h2>Cases that are not OK for all</h2>")
            \(details.joined(separator: "\n"))
            <footer>Conformance kit \(Corpus.version).0. A score is the share of right cases among those that were judged \
            right or wrong. Of a case that an implementation was asked more than once, at two brokers say, the worst verdict \
            stands.</footer>
            </html>

            """
    }

    // MARK: The heads

    private static func legend(_ matrix: ConformanceMatrix) -> String {
        let entries = Verdict.allCases.map { verdict -> String in
            let count = matrix.columns.reduce(0) { $0 + $1.count(verdict) }
            guard count > 0 else { return "" }
            let name = verdict.rawValue
            return "<li><b class=\"\(name)\">\(verdict.sign)</b> <strong>\(count)</strong> \(name) "
                + "<small>\(verdict.meaning)</small></li>"
        }
        return entries.joined()
    }

    private static func head(_ column: ConformanceMatrix.Column) -> String {
        let found = Verdict.allCases.filter { column.count($0) > 0 }
        let parts = found.map { "<i class=\"\($0.rawValue)\" style=\"flex-grow:\(column.count($0))\"></i>" }
        let score = column.score.map { "\($0)<small> %</small>" } ?? "<small>no case</small>"
        return "<th scope=\"col\"><span class=\"score\">\(score)</span><strong>\(column.name.escapedForMarkup)</strong>"
            + "<small>\(column.count(.ok)) of \(column.cells.count)</small><div class=\"bar\">\(parts.joined())</div>"
    }

    // MARK: The matrix

    private static func rows(_ matrix: ConformanceMatrix) -> String {
        var lines: [String] = []
        var part = ""
        for topic in matrix.topics {
            if topic.part != part {
                part = topic.part
                let span = matrix.columns.count + 1
                lines.append("<tbody class=\"part\"><tr><th colspan=\"\(span)\">\(part.escapedForMarkup)<tbody>")
            }
            let cells = matrix.columns.map { cell(topic, $0) }.joined()
            lines.append("<tr><th scope=\"row\">\(topic.name.escapedForMarkup)\(cells)")
        }
        return lines.joined(separator: "\n")
    }

    private static func cell(_ topic: ConformanceMatrix.Topic, _ column: ConformanceMatrix.Column) -> String {
        let verdicts = topic.ids.compactMap { column.cells[$0]?.verdict }
        guard !verdicts.isEmpty else { return "<td class=\"cell unrun\" title=\"not run\">·" }
        let words = Verdict.allCases.compactMap { verdict -> String? in
            let count = verdicts.count(where: { $0 == verdict })
            return count == 0 ? nil : "\(count) \(verdict.rawValue)"
        }
        let right = verdicts.count(where: { $0 == .ok })
        let asked = verdicts.count(where: { $0 != .informational })
        var text = asked == 0 ? Verdict.informational.sign : "\(right)<small>/\(asked)</small>"
        if right < asked { text = "<a href=\"#\(anchor(topic))\">\(text)</a>" }
        return "<td class=\"cell \(tone(verdicts))\" title=\"\(words.joined(separator: ", "))\">\(text)"
    }

    /// The class that colours a cell by what is worst in it.
    private static func tone(_ verdicts: [Verdict]) -> String {
        let bad = verdicts.count(where: \.isBad)
        if bad > 0 { return bad * 2 > verdicts.count ? "most" : "miss" }
        if verdicts.contains(.nonStrict) { return "soft-miss" }
        return verdicts.allSatisfy { $0 == .informational || $0 == .unimplemented } ? "idle" : "all"
    }

    // MARK: Cases

    private static func anchor(_ topic: ConformanceMatrix.Topic) -> String {
        let text = "\(topic.part) \(topic.name)"
        let words = text.split(whereSeparator: { !($0.isASCII && ($0.isLetter || $0.isNumber)) })
        return words.joined(separator: "-")
    }

    /// The cases of a topic that are not OK for all, without those that ask nothing; empty if there are none.
    private static func section(_ topic: ConformanceMatrix.Topic, _ matrix: ConformanceMatrix) -> String {
        let shown = topic.ids.filter { id in
            matrix.columns.contains { column in
                column.cells[id].map { $0.verdict != .ok && $0.verdict != .informational } ?? false
            }
        }
        guard !shown.isEmpty else { return "" }
        let rest = topic.ids.count - shown.count
        let more = rest == 0 ? "" : "and \(rest) more"
        let names = matrix.columns.map { "<th scope=\"col\">\($0.name.escapedForMarkup)" }.joined()
        let rows = shown.map { id in
            "<tr><th scope=\"row\"><code>\(id.escapedForMarkup)</code>"
                + matrix.columns.map { verdict($0.cells[id]) }.joined()
        }
        return """
            <section id="\(anchor(topic))"><h3>\(topic.part.escapedForMarkup): \(topic.name.escapedForMarkup)</h3>
            <div class="wide"><table class="cases"><thead><tr><th scope="row">\(more)\(names)</thead>
            \(rows.joined(separator: "\n"))
            </table></div></section>
            """
    }

    private static func verdict(_ cell: ConformanceMatrix.Cell?) -> String {
        guard let cell else { return "<td class=\"unrun\">·" }
        let name = cell.verdict.rawValue
        let words = "\(name): \(cell.detail ?? "")".escapedForMarkup
        return "<td><b class=\"\(name)\" title=\"\(words)\">\(cell.verdict.sign)</b>"
    }
}
