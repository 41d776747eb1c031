/// Reads strings and numbers.
extension JSONParser {
    // MARK: Strings

    /// Reads a string. `index` is at its opening quotation mark.
    @inline(__always)
    mutating func readString(_ bytes: Span<UInt8>) throws(WireError) -> String {
        let start = index &+ 1
        let stop = TextScan.endOfPlainRun(bytes, from: start)
        guard stop < end else { throw truncated() }
        guard bytes[stop] == UInt8(ascii: "\"") else { return try readEscapedString(bytes, start: start, stop: stop) }
        index = stop &+ 1
        return try text(bytes.extracting(start..<stop), offset: start)
    }

    /// Reads the text of a string or of a key.
    @inline(__always)
    func text(_ bytes: Span<UInt8>, offset: Int) throws(WireError) -> String {
        reading.replacesInvalidText
            ? Text.replacingInvalid(bytes) : try Text.string(bytes, offset: offset)
    }

    /// Reads a string with escapes. The first escape, or a control character, is at `stop`.
    mutating func readEscapedString(
        _ bytes: Span<UInt8>, start: Int, stop: Int
    ) throws(WireError) -> String {
        var text: [UInt8] = []
        var runStart = start
        var runEnd = stop
        while true {
            let run = bytes.extracting(runStart..<runEnd)
            run.withUnsafeBufferPointer { text.append(contentsOf: $0) }
            index = runEnd
            guard index < end else { throw truncated() }
            switch bytes[index] {
            case UInt8(ascii: "\""):
                index &+= 1
                return try self.text(text.span, offset: start)
            case UInt8(ascii: "\\"):
                index &+= 1
                try readEscape(bytes, into: &text)
            default:
                throw fail(.malformed, "control character in a JSON string; it must be escaped")
            }
            runStart = index
            runEnd = TextScan.endOfPlainRun(bytes, from: index)
        }
    }

    /// Reads an escape. `index` is after the reverse solidus.
    private mutating func readEscape(_ bytes: Span<UInt8>, into text: inout [UInt8]) throws(WireError) {
        guard index < end else { throw truncated() }
        let byte = bytes[index]
        index &+= 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0c)
        case UInt8(ascii: "n"): text.append(0x0a)
        case UInt8(ascii: "r"): text.append(0x0d)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            let escape = index &- 2
            let scalar = try readUnicodeEscape(bytes, escape: escape)
            text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        default:
            index &-= 1
            throw fail(.malformed, "unknown escape in a JSON string")
        }
    }

    /// Reads the four digits of an escape, and the second escape of a surrogate pair.
    private mutating func readUnicodeEscape(_ bytes: Span<UInt8>, escape: Int) throws(WireError) -> Unicode.Scalar {
        let unit = try readFourDigits(bytes)
        if let scalar = Unicode.Scalar(unit) { return scalar }
        guard unit < 0xdc00 else { return try loneSurrogate(at: escape) }
        guard index < end else { throw truncated() }
        guard bytes[index] == UInt8(ascii: "\\") else { return try loneSurrogate(at: escape) }
        guard index &+ 1 < end else { throw truncated() }
        guard bytes[index &+ 1] == UInt8(ascii: "u") else { return try loneSurrogate(at: escape) }
        let afterFirst = index
        index &+= 2
        let low = try readFourDigits(bytes)
        guard 0xdc00...0xdfff ~= low, let scalar = Unicode.Scalar(0x10000 + (unit - 0xd800) << 10 + (low - 0xdc00))
        else {
            // The second escape is a separate character.
            index = afterFirst
            return try loneSurrogate(at: escape)
        }
        return scalar
    }

    private mutating func readFourDigits(_ bytes: Span<UInt8>) throws(WireError) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard index < end else { throw truncated() }
            let digit: UInt8
            switch bytes[index] {
            case let byte where byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case let byte where byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "f"): digit = byte - 87
            case let byte where byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "F"): digit = byte - 55
            default: throw fail(.malformed, "a \\u escape in JSON needs four hexadecimal digits")
            }
            unit = unit << 4 | UInt32(digit)
            index &+= 1
        }
        return unit
    }

    private func loneSurrogate(at offset: Int) throws(WireError) -> Unicode.Scalar {
        if reading.replacesInvalidText { return "\u{fffd}" }
        throw WireError(
            .loneSurrogate,
            "a JSON string has half of a surrogate pair, which is not text; send bytes or valid Unicode instead",
            offset: offset)
    }

    // MARK: Numbers

    /// Reads a number. `index` is at its sign or first digit.
    @inline(__always)
    mutating func readNumber(_ bytes: Span<UInt8>) throws(WireError) -> WireValue {
        let start = index
        var negative = false
        if bytes[index] == UInt8(ascii: "-") {
            negative = true
            index &+= 1
            guard index < end else { throw truncated() }
            if bytes[index] == UInt8(ascii: "I"), reading.acceptsNonFinite {
                try expect("Infinity", bytes)
                return .double(-.infinity)
            }
        }
        let firstDigit = index
        var magnitude: UInt64 = 0
        while index < end, case let digit = bytes[index] &- UInt8(ascii: "0"), digit <= 9 {
            magnitude = magnitude &* 10 &+ UInt64(digit)
            index &+= 1
        }
        let digits = index &- firstDigit
        guard digits > 0 else { throw missingDigit() }
        if digits > 1, bytes[firstDigit] == UInt8(ascii: "0") {
            index = firstDigit
            throw fail(.malformed, "a JSON number has a leading zero")
        }
        if index < end, bytes[index] == UInt8(ascii: ".") || bytes[index] | 0x20 == UInt8(ascii: "e") {
            let value = try readFloat(bytes, start: start, magnitude: magnitude, digits: digits)
            guard reading.keepsNumberText else { return .double(value) }
            return .number(try Text.string(bytes.extracting(start..<index), offset: start))
        }
        if reading.keepsNumberText, negative, magnitude == 0, digits == 1 { return .number("-0") }
        if digits <= 18 {
            let value = Int64(bitPattern: magnitude)
            return .int(negative ? 0 &- value : value)
        }
        let text = try Text.string(bytes.extracting(start..<index), offset: start)
        return Int64(text).map { .int($0) } ?? .number(text)
    }

    /// Reads the rest of a float. `index` is at its point or exponent; `magnitude` is the value of the digits before
    /// it, unless they are too many.
    private mutating func readFloat(
        _ bytes: Span<UInt8>, start: Int, magnitude: UInt64, digits: Int
    ) throws(WireError) -> Double {
        var magnitude = magnitude
        var digits = digits
        var exponent = 0
        if bytes[index] == UInt8(ascii: ".") {
            index &+= 1
            let first = index
            while index < end, case let digit = bytes[index] &- UInt8(ascii: "0"), digit <= 9 {
                magnitude = magnitude &* 10 &+ UInt64(digit)
                index &+= 1
            }
            guard index > first else { throw missingDigit() }
            digits &+= index &- first
            exponent = first &- index
        }
        if index < end, bytes[index] | 0x20 == UInt8(ascii: "e") {
            index &+= 1
            exponent &+= try readExponent(bytes)
        }
        // Integers up to 2^53 and powers up to 10^22 are exact as floats, so the result is rounded only once.
        if digits <= 19, magnitude <= 1 << 53, -22...22 ~= exponent {
            let power = Self.powersOfTen[abs(exponent)]
            let value = exponent < 0 ? Double(magnitude) / power : Double(magnitude) * power
            return bytes[start] == UInt8(ascii: "-") ? -value : value
        }
        let text = try Text.string(bytes.extracting(start..<index), offset: start)
        guard let value = Double(text) else {
            throw WireError(.invalidNumber, "a JSON number is beyond this platform's reader", offset: start)
        }
        return value
    }

    /// Reads an exponent's sign and digits. It clamps exponents far outside the range of floats to values that are
    /// still outside.
    private mutating func readExponent(_ bytes: Span<UInt8>) throws(WireError) -> Int {
        var negative = false
        if index < end, bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "-") {
            negative = bytes[index] == UInt8(ascii: "-")
            index &+= 1
        }
        let first = index
        var exponent = 0
        while index < end, case let digit = bytes[index] &- UInt8(ascii: "0"), digit <= 9 {
            exponent = min(exponent &* 10 &+ Int(digit), 1 << 40)
            index &+= 1
        }
        guard index > first else { throw missingDigit() }
        return negative ? -exponent : exponent
    }

    private func missingDigit() -> WireError {
        index < end ? fail(.malformed, "expected a digit in a JSON number") : truncated()
    }

    private static let powersOfTen: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]
}
