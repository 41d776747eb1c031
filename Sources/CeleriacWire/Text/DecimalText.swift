import FoundationEssentials

/// The text of decimal numbers, as Python's `Decimal` writes it.
enum DecimalText {
    static func text(of value: Decimal) -> String {
        value.description
    }

    /// Reads decimal text exactly: what Foundation's `Decimal` would have to round is refused.
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
        /// Zeros at the end, held back until another digit follows.
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
