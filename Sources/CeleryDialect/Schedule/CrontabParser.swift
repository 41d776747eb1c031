import CeleriacWire

/// Reads a field of a crontab as Celery's `crontab_parser` does, which is more lenient than its documentation: it
/// ignores what follows a complete range or step (`1-5-7` is `1-5`), it looks only at the first three letters of names
/// (`mon/2` is `mon`), and it reads numbers as Python does (` 5`, `+5`, `1_0`, digits of any script).
struct CrontabParser {
    let field: String
    let range: ClosedRange<Int>

    private typealias Text = Substring.UnicodeScalarView

    func parse(_ text: String) throws(CrontabError) -> Set<Int> {
        var numbers: Set<Int> = []
        for part in Substring(text).unicodeScalars.split(separator: ",", omittingEmptySubsequences: false) {
            guard !part.isEmpty else { throw error(.emptyPart, "there is nothing before, between or after commas") }
            numbers.formUnion(try expand(part))
        }
        return numbers
    }

    private func expand(_ part: Text) throws(CrontabError) -> [Int] {
        let from = part.prefix(while: Self.isWord)
        var rest = part[from.endIndex...]
        if !from.isEmpty, rest.first == "-" {
            rest = rest.dropFirst()
            let to = rest.prefix(while: Self.isWord)
            if !to.isEmpty {
                rest = rest[to.endIndex...]
                let step = rest.first == "/" ? rest.dropFirst().prefix(while: Self.isWord) : nil
                if let step, step.isEmpty { throw emptyStep }
                return try every(step, of: numbers(from: number(from), to: number(to)))
            }
        }
        if part.first == "*" {
            rest = part.dropFirst()
            if rest.first == "/" {
                let step = rest.dropFirst().prefix(while: Self.isWord)
                guard !step.isEmpty else { throw emptyStep }
                return try every(step, of: Array(range))
            }
            // A regular expression's `$` matches before a final line feed too.
            if rest.isEmpty || rest.elementsEqual("\n".unicodeScalars) { return Array(range) }
        }
        return [try number(part)]
    }

    private func numbers(from first: Int, to last: Int) -> [Int] {
        last < first ? Array(first...range.upperBound) + Array(range.lowerBound...last) : Array(first...last)
    }

    private func every(_ step: Text?, of numbers: [Int]) throws(CrontabError) -> [Int] {
        guard let step else { return numbers }
        guard let digits = Self.digits(step), digits.contains(where: { $0 != 0 }) else {
            throw error(.badStep, "the step '\(String(step))' is not a number above 0")
        }
        let width = Self.value(digits) ?? numbers.count
        return stride(from: 0, to: numbers.count, by: min(width, max(numbers.count, 1))).map { numbers[$0] }
    }

    private func number(_ text: Text) throws(CrontabError) -> Int {
        if text.first == "-" { throw error(.negativeNumber, "a number cannot be below 0") }
        var digits = text
        while let first = digits.first, Self.isSpace(first) { digits = digits.dropFirst() }
        while let last = digits.last, Self.isSpace(last) { digits = digits.dropLast() }
        let isNegative = digits.first == "-"
        if isNegative || digits.first == "+" { digits = digits.dropFirst() }
        guard let read = Self.digits(digits) else { return try named(text) }
        guard let value = Self.value(read), range.contains(isNegative ? -value : value) else {
            throw error(
                .outOfRange, "it is \(range.lowerBound) to \(range.upperBound), not \(String(text))")
        }
        return isNegative ? -value : value
    }

    private func named(_ text: Text) throws(CrontabError) -> Int {
        let name = String(text.prefix(3)).lowercased()
        let place =
            CivilDate.monthNames.firstIndex(of: name).map { $0 + 1 } ?? CivilDate.weekdayNames.firstIndex(of: name)
        guard let place else {
            throw error(.unknownName, "'\(String(text))' is neither a number nor a name of a weekday or month")
        }
        guard range.contains(place) else {
            throw error(
                .outOfRange, "it is \(range.lowerBound) to \(range.upperBound), not \(String(text)) (\(place))")
        }
        return place
    }

    /// The digits of an unsigned number as Python's `int` reads it: of any script, with single underscores between
    /// them.
    private static func digits(_ text: Text) -> [Int]? {
        var digits: [Int] = []
        var mayBreak = false
        for scalar in text {
            if scalar == "_" {
                guard mayBreak else { return nil }
                mayBreak = false
            } else {
                guard scalar.properties.generalCategory == .decimalNumber, let value = scalar.properties.numericValue,
                    let digit = Int(exactly: value)
                else { return nil }
                digits.append(digit)
                mayBreak = true
            }
        }
        return mayBreak ? digits : nil
    }

    /// The value of digits; nil if no field can have it.
    private static func value(_ digits: [Int]) -> Int? {
        let significant = digits.drop { $0 == 0 }
        guard significant.count <= 9 else { return nil }
        return significant.reduce(0) { $0 * 10 + $1 }
    }

    /// `\w` of a regular expression.
    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
        default: scalar == "_" || scalar.properties.numericType != nil
        }
    }

    /// What Python's `str.strip` removes.
    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isWhitespace || ("\u{1C}"..."\u{1F}").contains(scalar)
    }

    private var emptyStep: CrontabError { error(.emptyStep, "a '/' needs a number after it") }

    private func error(_ code: CrontabError.Code, _ message: String) -> CrontabError {
        CrontabError(code, "\(field): \(message)")
    }
}
