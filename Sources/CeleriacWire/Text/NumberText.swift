import FoundationEssentials

/// Numbers as Python and Go write them.
enum NumberText {
    /// Appends an integer's digits.
    @inline(__always)
    static func append(_ value: Int64, to output: inout [UInt8]) {
        if 0...9 ~= value {
            output.append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value))
        } else {
            appendLong(value, to: &output)
        }
    }

    private static func appendLong(_ value: Int64, to output: inout [UInt8]) {
        if value < 0 {
            output.append(UInt8(ascii: "-"))
        }
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var index = 20
        var rest = value.magnitude
        repeat {
            let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: 10)
            index -= 1
            digits[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: remainder)
            rest = quotient
        } while rest > 0
        digits.span.extracting(index...).withUnsafeBufferPointer { output.append(contentsOf: $0) }
    }

    /// Appends a finite number as Python's `repr` writes it: the shortest digits that read back as the same number,
    /// with an exponent of at least two digits from 1e+16 up and below 1e-04, otherwise with at least one digit after
    /// the point.
    static func append(python value: Double, to output: inout [UInt8]) {
        // Swift writes the same text, except that it uses exponents from 2^53 up, where all numbers are integers.
        if value.magnitude < 1e16, let integer = Int64(exactly: value), integer != 0 {
            append(integer, to: &output)
            output.append(UInt8(ascii: "."))
            output.append(UInt8(ascii: "0"))
        } else {
            output.append(contentsOf: value.description.utf8)
        }
    }

    /// Appends a finite number as Go's `encoding/json` writes a `float64`: the shortest digits that read back as the
    /// same number, with an exponent below 1e-6 and from 1e21 up, and without a fraction that is zero.
    static func append(go value: Double, to output: inout [UInt8]) {
        if value.magnitude < 1e15, let integer = Int64(exactly: value), integer != 0 || value.sign == .plus {
            return append(integer, to: &output)
        }
        // Swift and Go agree on the digits; only their arrangement differs.
        let text = value.description.utf8
        if value.sign == .minus { output.append(UInt8(ascii: "-")) }
        var digits: [UInt8] = []
        var exponent = 0
        var pointSeen = false
        var rest = text.drop { $0 == UInt8(ascii: "-") }
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "."): pointSeen = true
            case UInt8(ascii: "e"):
                exponent += Int(String(Substring(rest))) ?? 0
                rest = rest.suffix(0)
            default:
                if pointSeen { exponent -= 1 }
                digits.append(byte)
            }
        }
        while digits.count > 1, digits.first == UInt8(ascii: "0") { digits.removeFirst() }
        while digits.count > 1, digits.last == UInt8(ascii: "0") {
            digits.removeLast()
            exponent += 1
        }
        if digits == [UInt8(ascii: "0")] { return output.append(UInt8(ascii: "0")) }
        // Now the number is 0.ddd · 10^point.
        let point = digits.count + exponent
        if value.magnitude < 1e-6 || value.magnitude >= 1e21 {
            output.append(digits[0])
            if digits.count > 1 {
                output.append(UInt8(ascii: "."))
                output.append(contentsOf: digits[1...])
            }
            output.append(contentsOf: (point > 0 ? "e+" : "e").utf8)
            output.append(contentsOf: String(point - 1).utf8)
        } else if point <= 0 {
            output.append(contentsOf: "0.".utf8)
            output.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: -point))
            output.append(contentsOf: digits)
        } else {
            output.append(contentsOf: digits.prefix(point))
            output.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: max(0, point - digits.count)))
            if digits.count > point {
                output.append(UInt8(ascii: "."))
                output.append(contentsOf: digits[point...])
            }
        }
    }

    /// Whether the text follows JSON's grammar of numbers.
    static func isJSONNumber(_ text: String) -> Bool {
        var rest = text.utf8[...]
        if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        let integer = rest.prefix(while: isDigit)
        guard !integer.isEmpty, integer.count == 1 || integer.first != UInt8(ascii: "0") else { return false }
        rest = rest[integer.endIndex...]
        if rest.first == UInt8(ascii: ".") {
            let fraction = rest.dropFirst().prefix(while: isDigit)
            guard !fraction.isEmpty else { return false }
            rest = rest[fraction.endIndex...]
        }
        if let exponent = rest.first, exponent | 0x20 == UInt8(ascii: "e") {
            rest = rest.dropFirst()
            if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
            let digits = rest.prefix(while: isDigit)
            guard !digits.isEmpty else { return false }
            rest = rest[digits.endIndex...]
        }
        return rest.isEmpty
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        byte &- UInt8(ascii: "0") <= 9
    }
}

/// Decimal numbers as Python's `Decimal` writes them.
enum DecimalText {
    static func text(of value: Decimal) -> String {
        value.description
    }

    /// Reads decimal text exactly. Refuses numbers that Foundation's `Decimal` would have to round.
    static func decimal(_ text: String) throws(WireError) -> Decimal {
        if text == "NaN" { return .nan }
        var digits = text.utf8[...]
        let negative = digits.first == UInt8(ascii: "-")
        if negative || digits.first == UInt8(ascii: "+") { digits = digits.dropFirst() }
        var number = Digits()
        number.append(takeDigits(&digits))
        if digits.first == UInt8(ascii: ".") {
            digits = digits.dropFirst()
            let fraction = takeDigits(&digits)
            number.append(fraction)
            number.exponent -= fraction.count
        }
        if let letter = digits.first, letter | 0x20 == UInt8(ascii: "e") {
            guard let exponent = Int(Substring(digits.dropFirst())), -100_000...100_000 ~= exponent else {
                throw notDecimal
            }
            number.exponent += exponent
            digits = digits[digits.endIndex...]
        }
        guard digits.isEmpty, number.count > 0 else { throw notDecimal }
        guard let value = number.value(negative: negative) else {
            throw WireError(.invalidNumber, "a decimal number has more than the 38 digits that Decimal holds")
        }
        return value
    }

    private static var notDecimal: WireError {
        WireError(.invalidNumber, "the text is not a decimal number")
    }

    private static func takeDigits(_ text: inout Substring.UTF8View) -> Substring.UTF8View {
        let digits = text.prefix { $0 &- UInt8(ascii: "0") <= 9 }
        text = text[digits.endIndex...]
        return digits
    }

    /// An integer times a power of ten.
    private struct Digits {
        private var significand: UInt128 = 0
        /// Trailing zeros, held back until another digit follows.
        private var zeros = 0
        private var overflow = false
        private(set) var count = 0
        var exponent = 0

        mutating func append(_ digits: Substring.UTF8View) {
            for digit in digits {
                count += 1
                if digit == UInt8(ascii: "0") {
                    zeros += 1
                    continue
                }
                if significand != 0 {
                    for _ in 0..<zeros where !overflow { append(0) }
                }
                zeros = 0
                if !overflow { append(UInt128(digit - UInt8(ascii: "0"))) }
            }
        }

        private mutating func append(_ digit: UInt128) {
            let (product, overflow) = significand.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(digit)
            significand = sum
            self.overflow = overflow || carry
        }

        func value(negative: Bool) -> Decimal? {
            guard !overflow else { return nil }
            guard significand != 0 else { return 0 }
            let half: UInt128 = 10_000_000_000_000_000_000
            let (high, low) = significand.quotientAndRemainder(dividingBy: half)
            guard high < half, -128...127 ~= exponent + zeros else { return nil }
            let integer = Decimal(UInt64(high)) * Decimal(UInt64(half)) + Decimal(UInt64(low))
            return Decimal(sign: negative ? .minus : .plus, exponent: exponent + zeros, significand: integer)
        }
    }
}
