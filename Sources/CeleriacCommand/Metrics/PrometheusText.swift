/// The words of Prometheus' text format, version 0.0.4.
enum PrometheusText {
    /// The format, as HTTP names it.
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// What a metric is, as the format says it.
    enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    /// A metric's name, in which every character that names must not have is an underscore.
    static func name(_ text: String) -> String { name(text, besides: "_:") }

    /// Labels as they stand between braces.
    static func labels(_ dimensions: [(String, String)]) -> String {
        dimensions.map { "\(name($0, besides: "_"))=\"\(escaped($1))\"" }.joined(separator: ",")
    }

    /// A line: a metric, its labels and a value.
    static func line(_ name: String, _ labels: String, _ value: Double) -> String {
        "\(name)\(labels.isEmpty ? "" : "{\(labels)}") \(number(value))\n"
    }

    /// A number. Whole ones have no fraction.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return Int64(exactly: value).map { "\($0)" } ?? "\(value)"
    }

    private static func name(_ text: String, besides others: String) -> String {
        var name = ""
        for scalar in text.unicodeScalars {
            let isDigit = "0"..."9" ~= scalar
            // A name begins with no digit.
            if isDigit, name.isEmpty { name = "_" }
            let isLetter = "a"..."z" ~= scalar || "A"..."Z" ~= scalar
            name.unicodeScalars.append(isDigit || isLetter || others.unicodeScalars.contains(scalar) ? scalar : "_")
        }
        return name.isEmpty ? "_" : name
    }

    /// A label's value. It goes by scalars: CR and LF together are one `Character`, which is not LF.
    private static func escaped(_ value: String) -> String {
        var text = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
