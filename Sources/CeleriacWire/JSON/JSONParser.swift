/// Reads one JSON value without recursion.
struct JSONParser: ~Copyable {
    private var index = 0
    private let end: Int
    private let reading: JSONReading
    private var builder: WireValueBuilder

    init(bytes: Span<UInt8>, limits: WireLimits, reading: JSONReading) throws(WireError) {
        guard bytes.count <= limits.maximumMessageBytes else {
            throw .tooLarge(bytes.count, limits)
        }
        self.end = bytes.count
        self.reading = reading
        self.builder = WireValueBuilder(limits: limits, refusesAmbiguousKeys: !reading.replacesInvalidText)
    }

    mutating func parse(_ bytes: Span<UInt8>) throws(WireError) -> WireValue {
        while true {
            // A value starts here, or the opening bracket of a container that has elements.
            guard var value = try startValue(bytes) else { continue }
            // It is complete, and with it perhaps the containers whose last element it is.
            while true {
                skipWhitespace(bytes)
                guard let container = builder.container else {
                    guard index == end || reading.ignoresTrailingBytes else {
                        throw fail(.trailingBytes, "JSON text goes on after its value")
                    }
                    return value
                }
                builder.add(value)
                guard index < end else { throw truncated() }
                let byte = bytes[index]
                if byte == UInt8(ascii: ",") {
                    index &+= 1
                    if container == .object {
                        skipWhitespace(bytes)
                        try readKey(bytes)
                    }
                    break
                }
                guard byte == (container == .array ? UInt8(ascii: "]") : UInt8(ascii: "}")) else {
                    throw fail(.malformed, "expected ',' or the end of an array or object in JSON")
                }
                index &+= 1
                value = try builder.close()
            }
        }
    }

    // MARK: Values

    /// Reads a scalar or an empty container. An opening bracket of another container pushes its frame and gives `nil`.
    @inline(__always)
    private mutating func startValue(_ bytes: Span<UInt8>) throws(WireError) -> WireValue? {
        skipWhitespace(bytes)
        guard index < end else { throw truncated() }
        try builder.countToken(at: index)
        switch bytes[index] {
        case UInt8(ascii: "\""):
            return .string(try readString(bytes))
        case UInt8(ascii: "["):
            return try openArray(bytes)
        case UInt8(ascii: "{"):
            return try openObject(bytes)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            return try readNumber(bytes)
        case UInt8(ascii: "n"):
            try expect("null", bytes)
            return .null
        case UInt8(ascii: "t"):
            try expect("true", bytes)
            return .bool(true)
        case UInt8(ascii: "f"):
            try expect("false", bytes)
            return .bool(false)
        case UInt8(ascii: "N") where reading.acceptsNonFinite:
            try expect("NaN", bytes)
            return .double(.nan)
        case UInt8(ascii: "I") where reading.acceptsNonFinite:
            try expect("Infinity", bytes)
            return .double(.infinity)
        default:
            throw fail(.malformed, "expected a JSON value")
        }
    }

    @inline(__always)
    private mutating func openArray(_ bytes: Span<UInt8>) throws(WireError) -> WireValue? {
        try builder.checkDepth(at: index)
        index &+= 1
        skipWhitespace(bytes)
        guard index < end else { throw truncated() }
        if bytes[index] == UInt8(ascii: "]") {
            index &+= 1
            return .array([])
        }
        builder.open(.array)
        return nil
    }

    @inline(__always)
    private mutating func openObject(_ bytes: Span<UInt8>) throws(WireError) -> WireValue? {
        try builder.checkDepth(at: index)
        index &+= 1
        skipWhitespace(bytes)
        guard index < end else { throw truncated() }
        if bytes[index] == UInt8(ascii: "}") {
            index &+= 1
            return .object([:])
        }
        builder.open(.object)
        try readKey(bytes)
        return nil
    }

    /// Reads a key and the colon after it.
    @inline(__always)
    private mutating func readKey(_ bytes: Span<UInt8>) throws(WireError) {
        guard index < end else { throw truncated() }
        guard bytes[index] == UInt8(ascii: "\"") else {
            throw fail(.malformed, "expected a key in quotation marks in JSON")
        }
        try builder.countToken(at: index)
        let start = index &+ 1
        let stop = TextScan.endOfPlainRun(bytes, from: start)
        guard stop < end else { throw truncated() }
        if bytes[stop] == UInt8(ascii: "\"") {
            index = stop &+ 1
            let part = bytes.extracting(start..<stop)
            builder.add(ObjectKey(try text(part, offset: start), utf8: part))
        } else {
            builder.add(ObjectKey(try readEscapedString(bytes, start: start, stop: stop)))
        }
        skipWhitespace(bytes)
        guard index < end else { throw truncated() }
        guard bytes[index] == UInt8(ascii: ":") else { throw fail(.malformed, "expected ':' after a key in JSON") }
        index &+= 1
    }

    // MARK: Strings

    /// Reads a string; `index` is at its opening quotation mark.
    @inline(__always)
    private mutating func readString(_ bytes: Span<UInt8>) throws(WireError) -> String {
        let start = index &+ 1
        let stop = TextScan.endOfPlainRun(bytes, from: start)
        guard stop < end else { throw truncated() }
        guard bytes[stop] == UInt8(ascii: "\"") else { return try readEscapedString(bytes, start: start, stop: stop) }
        index = stop &+ 1
        return try text(bytes.extracting(start..<stop), offset: start)
    }

    /// The text of a string, or of a key.
    @inline(__always)
    private func text(_ bytes: Span<UInt8>, offset: Int) throws(WireError) -> String {
        reading.replacesInvalidText
            ? Text.replacingInvalid(bytes) : try Text.string(bytes, offset: offset)
    }

    /// Reads a string with escapes, the first of them (or a control character) at `stop`.
    private mutating func readEscapedString(
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

    /// Reads an escape; `index` is after the reverse solidus.
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
            // The second escape is a character of its own.
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

    // MARK: Numbers

    /// Reads a number; `index` is at its sign or first digit.
    @inline(__always)
    private mutating func readNumber(_ bytes: Span<UInt8>) throws(WireError) -> WireValue {
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

    /// Reads the rest of a float; `index` is at its point or exponent. `magnitude` is what the digits before it say, if
    /// they are few enough.
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
        // Up to 2^53 and 10^22 both are exact as floats, so their product or quotient is rounded only once.
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

    /// Reads an exponent's sign and digits. What is far beyond any float may come out smaller than it is, but still so.
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
        1e20,
        1e21, 1e22,
    ]

    // MARK: Small parts

    @inline(__always)
    private mutating func skipWhitespace(_ bytes: Span<UInt8>) {
        while index < end {
            let byte = bytes[index]
            guard byte <= 0x20, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 else { return }
            index &+= 1
        }
    }

    @inline(__always)
    private mutating func expect(_ word: StaticString, _ bytes: Span<UInt8>) throws(WireError) {
        let count = word.utf8CodeUnitCount
        for position in 0..<count {
            guard index < end else { throw truncated() }
            guard bytes[index] == word.utf8Start[position] else { throw fail(.malformed, "expected a JSON value") }
            index &+= 1
        }
    }

    @inline(never)
    private func fail(_ code: WireError.Code, _ message: String) -> WireError {
        WireError(code, message, offset: index)
    }

    @inline(never)
    private func truncated() -> WireError {
        WireError(.truncated, "JSON text ends within a value", offset: end)
    }

    private func loneSurrogate(at offset: Int) throws(WireError) -> Unicode.Scalar {
        if reading.replacesInvalidText { return "\u{fffd}" }
        throw WireError(
            .loneSurrogate,
            "a JSON string has half of a surrogate pair, which is not text; send bytes or valid Unicode instead",
            offset: offset)
    }
}
