/// A run as JUnit's XML, which continuous integration shows.
enum JUnitReport {
    /// The text of the file.
    static func text(_ summary: ConformanceSummary) -> String {
        let skipped = summary.count(.unimplemented) + summary.count(.informational)
        let failures = summary.rows.count(where: \.verdict.isBad)
        var text = """
            <?xml version="1.0" encoding="UTF-8"?>
            <testsuite name="\(summary.title.escapedForMarkup)" tests="\(summary.rows.count)" \
            failures="\(failures)" skipped="\(skipped)">

            """
        for row in summary.rows {
            let parts = row.testCase.id.split(separator: "/")
            let group = parts.dropLast().joined(separator: ".")
            let name = parts.last.map(String.init) ?? row.testCase.id
            text += "  <testcase classname=\"\(group.escapedForMarkup)\" name=\"\(name.escapedForMarkup)\""
            text += body(row).map { ">\($0)</testcase>\n" } ?? "/>\n"
        }
        return text + "</testsuite>\n"
    }

    private static func body(_ row: ConformanceRow) -> String? {
        let message = "\(row.verdict.rawValue): \(row.detail ?? row.testCase.note ?? "")".escapedForMarkup
        return switch row.verdict {
        case .ok: nil
        case .failed, .timeout, .crash, .flaky: "<failure message=\"\(message)\"/>"
        case .unimplemented, .informational: "<skipped message=\"\(message)\"/>"
        case .nonStrict: "<system-out>\(message)</system-out>"
        }
    }
}

extension String {
    /// The text as it may stand in XML and HTML, in attributes too. What XML cannot hold is shown as U+FFFD.
    var escapedForMarkup: String {
        unicodeScalars.reduce(into: "") { text, scalar in
            switch scalar {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            case "\"": text += "&quot;"
            case "\n", "\t": text += " "
            case _ where scalar.value < 0x20 || scalar.value == 0xfffe || scalar.value == 0xffff: text += "\u{fffd}"
            default: text.unicodeScalars.append(scalar)
            }
        }
    }
}
