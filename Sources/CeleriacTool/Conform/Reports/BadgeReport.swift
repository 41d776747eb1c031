/// A run as a small picture for a README.
enum BadgeReport {
    /// The text of the SVG file.
    static func text(_ summary: ConformanceSummary) -> String {
        let value = summary.score.map { "\($0) %" } ?? "no case"
        let label = "celery wire"
        // Letters of this size are seven pixels wide on average.
        let widths = (label.count * 7 + 12, value.count * 7 + 12)
        let total = widths.0 + widths.1
        return """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(total)" height="20" role="img" \
            aria-label="\(label): \(value)">
              <rect width="\(total)" height="20" rx="3" fill="#444"/>
              <rect x="\(widths.0)" width="\(widths.1)" height="20" rx="3" fill="\(colour(summary))"/>
              <g fill="#fff" font-family="Verdana,Geneva,sans-serif" font-size="11" text-anchor="middle">
                <text x="\(widths.0 / 2)" y="14">\(label)</text>
                <text x="\(widths.0 + widths.1 / 2)" y="14">\(value)</text>
              </g>
            </svg>

            """
    }

    private static func colour(_ summary: ConformanceSummary) -> String {
        guard let score = summary.score else { return "#777" }
        return score == 100 ? "#2a7d3f" : score >= 90 ? "#8a7a1f" : "#a8323a"
    }
}
