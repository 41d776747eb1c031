/// The numbers of YAML 1.1: tells which plain text is a number, and reads it. Underscores are ignored.
enum YAMLNumber {
    // MARK: Grammar

    /// Whether the text is an integer: binary, octal, decimal, hexadecimal, or base 60 with colons.
    static func isInteger(_ text: String) -> Bool {
        var rest = text.utf8[...]
        skipSign(&rest)
        guard let first = rest.first, isDigit(first) else { return false }
        if first == UInt8(ascii: "0") {
            rest = rest.dropFirst()
            switch rest.first {
            case nil: return true
            case UInt8(ascii: "b"):
                return isAll(rest.dropFirst()) { $0 == UInt8(ascii: "0") || $0 == UInt8(ascii: "1") }
            case UInt8(ascii: "x"): return isAll(rest.dropFirst(), isHexDigit)
            default: return isAll(rest) { UInt8(ascii: "0")...UInt8(ascii: "7") ~= $0 }
            }
        }
        rest = rest.drop { isDigit($0) || $0 == underscore }
        return rest.isEmpty || (skipSixties(&rest) && rest.isEmpty)
    }

    /// Whether the text is a float: with a point, in base 60 with colons and a point, or `.inf` or `.nan`.
    static func isFloat(_ text: String) -> Bool {
        switch text {
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF", ".nan", ".NaN", ".NAN":
            return true
        default:
            break
        }
        var rest = text.utf8[...]
        if rest.first == point {
            rest = rest.dropFirst()
            guard let first = rest.first, isDigit(first) else { return false }
            rest = rest.drop { isDigit($0) || $0 == underscore }
            return rest.isEmpty || isExponent(rest)
        }
        skipSign(&rest)
        guard let first = rest.first, isDigit(first) else { return false }
        rest = rest.drop { isDigit($0) || $0 == underscore }
        let hasColons = rest.first == colon
        if hasColons, !skipSixties(&rest) { return false }
        guard rest.first == point else { return false }
        rest = rest.dropFirst().drop { isDigit($0) || $0 == underscore }
        return rest.isEmpty || (!hasColons && isExponent(rest))
    }

    /// Whether the text is a date, or a date and a time with or without an offset from UTC.
    static func isTimestamp(_ text: String) -> Bool {
        var rest = text.utf8[...]
        guard skipDigits(&rest, 4...4), skip(&rest, "-"), skipDigits(&rest, 1...2), skip(&rest, "-"),
            skipDigits(&rest, 1...2)
        else { return false }
        if rest.isEmpty { return text.utf8.count == 10 }
        if !skip(&rest, "T"), !skip(&rest, "t"), !skipBlanks(&rest) { return false }
        guard skipDigits(&rest, 1...2), skip(&rest, ":"), skipDigits(&rest, 2...2), skip(&rest, ":"),
            skipDigits(&rest, 2...2)
        else { return false }
        if skip(&rest, ".") { rest = rest.drop { isDigit($0) } }
        if rest.isEmpty { return true }
        _ = skipBlanks(&rest)
        if skip(&rest, "Z") { return rest.isEmpty }
        guard skip(&rest, "+") || skip(&rest, "-"), skipDigits(&rest, 1...2) else { return false }
        return rest.isEmpty || (skip(&rest, ":") && skipDigits(&rest, 2...2) && rest.isEmpty)
    }

    // MARK: Values

    static func integer(_ text: String, _ place: YAMLEvent.Place) throws(WireError) -> WireValue {
        var digits = text.utf8.filter { $0 != underscore }[...]
        let negative = digits.first == UInt8(ascii: "-")
        if negative || digits.first == UInt8(ascii: "+") { digits = digits.dropFirst() }
        let magnitude: String?
        if digits.first == UInt8(ascii: "0"), digits.count > 1 {
            let isPrefixed = digits.dropFirst().first.map { !isDigit($0) } ?? false
            let radix =
                switch digits.dropFirst().first {
                case UInt8(ascii: "b"): 2
                case UInt8(ascii: "x"): 16
                default: 8
                }
            let body = String(decoding: digits.dropFirst(isPrefixed ? 2 : 1), as: UTF8.self)
            magnitude = body.utf8.first.map(isHexDigit) == true ? UInt128(body, radix: radix).map { String($0) } : nil
        } else if digits.contains(colon) {
            magnitude = sixties(digits).map { String($0) }
        } else {
            magnitude = digits.allSatisfy(isDigit) && !digits.isEmpty ? String(decoding: digits, as: UTF8.self) : nil
        }
        guard let magnitude, let number = WireNumber(negative ? "-" + magnitude : magnitude) else {
            throw place.error(.invalidNumber, "not a YAML integer, or one past 128 bits in a base other than ten")
        }
        return number.wireValue
    }

    static func float(_ text: String, _ place: YAMLEvent.Place) throws(WireError) -> WireValue {
        var digits = text.lowercased().utf8.filter { $0 != underscore }[...]
        let negative = digits.first == UInt8(ascii: "-")
        if negative || digits.first == UInt8(ascii: "+") { digits = digits.dropFirst() }
        let magnitude: Double?
        switch String(decoding: digits, as: UTF8.self) {
        case ".inf": magnitude = .infinity
        case ".nan": magnitude = .nan
        case let body:
            magnitude = body.utf8.contains(colon) ? sixties(body) : double(body[...])
        }
        guard let magnitude else { throw place.error(.invalidNumber, "not a YAML float") }
        return .double(negative ? -magnitude : magnitude)
    }

    /// The integer whose digits in base 60 are separated by colons; `nil` past 128 bits.
    private static func sixties(_ digits: ArraySlice<UInt8>) -> UInt128? {
        var value: UInt128 = 0
        for part in digits.split(separator: colon, omittingEmptySubsequences: false) {
            guard let part = UInt128(String(decoding: part, as: UTF8.self)) else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 60)
            let (sum, carry) = product.addingReportingOverflow(part)
            guard !overflow, !carry else { return nil }
            value = sum
        }
        return value
    }

    /// The float whose digits in base 60 are separated by colons.
    private static func sixties(_ text: String) -> Double? {
        var value = 0.0
        for part in text.split(separator: ":", omittingEmptySubsequences: false) {
            guard let part = double(part) else { return nil }
            value = value * 60 + part
        }
        return value
    }

    private static func double(_ text: Substring) -> Double? {
        let isDecimal = text.utf8.allSatisfy {
            isDigit($0) || $0 == point || $0 == UInt8(ascii: "e") || $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-")
        }
        return isDecimal ? Double(text) : nil
    }

    // MARK: Small parts

    private static let underscore = UInt8(ascii: "_")
    private static let colon = UInt8(ascii: ":")
    private static let point = UInt8(ascii: ".")

    private static func isDigit(_ byte: UInt8) -> Bool {
        byte &- UInt8(ascii: "0") <= 9
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || UInt8(ascii: "a")...UInt8(ascii: "f") ~= byte | 0x20
    }

    /// Whether the text is not empty and consists of characters of one kind and underscores.
    private static func isAll(_ text: Substring.UTF8View, _ kind: (UInt8) -> Bool) -> Bool {
        !text.isEmpty && text.allSatisfy { kind($0) || $0 == underscore }
    }

    private static func isExponent(_ text: Substring.UTF8View) -> Bool {
        guard let letter = text.first, letter | 0x20 == UInt8(ascii: "e") else { return false }
        let rest = text.dropFirst()
        guard rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") else { return false }
        return rest.count > 1 && rest.dropFirst().allSatisfy(isDigit)
    }

    private static func skip(_ text: inout Substring.UTF8View, _ character: Unicode.Scalar) -> Bool {
        guard text.first == UInt8(ascii: character) else { return false }
        text = text.dropFirst()
        return true
    }

    /// Skips spaces and tabs. Returns `false` when there are none.
    private static func skipBlanks(_ text: inout Substring.UTF8View) -> Bool {
        let rest = text.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        defer { text = rest }
        return rest.count < text.count
    }

    private static func skipSign(_ text: inout Substring.UTF8View) {
        if text.first == UInt8(ascii: "-") || text.first == UInt8(ascii: "+") { text = text.dropFirst() }
    }

    private static func skipDigits(_ text: inout Substring.UTF8View, _ count: ClosedRange<Int>) -> Bool {
        let digits = text.prefix(count.upperBound).prefix { isDigit($0) }
        text = text[digits.endIndex...]
        return digits.count >= count.lowerBound
    }

    /// Skips one or more groups of a colon and a number below 60.
    private static func skipSixties(_ text: inout Substring.UTF8View) -> Bool {
        var any = false
        while text.first == colon {
            let digits = text.dropFirst().prefix { isDigit($0) }
            guard let first = digits.first, digits.count == 1 || (digits.count == 2 && first <= UInt8(ascii: "5"))
            else {
                return false
            }
            text = text[digits.endIndex...]
            any = true
        }
        return any
    }
}
