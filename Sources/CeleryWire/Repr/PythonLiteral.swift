package import CeleriacWire

/// What Python's `repr` shows for the values in `__type__` envelopes.
enum PythonLiteral {
    /// The text of a date, time, decimal or UUID; `nil` for bytes and for values without an envelope.
    static func text(ofEnvelope value: WireValue) -> String? {
        guard let (type, content) = TypeEnvelope.parts(of: value), case .string(let type) = type else { return nil }
        switch (type, content) {
        case ("datetime", .string(let text)): return dateTime(text)
        case ("date", .string(let text)):
            guard let date = LocalDate(text) else { return nil }
            return "datetime.date(\(date.year), \(date.month), \(date.day))"
        case ("time", .string(let text)):
            guard let time = LocalTime(text) else { return nil }
            return "datetime.time(\(clock(time)))"
        case ("decimal", .string(let text)):
            return "Decimal('\(text)')"
        case ("uuid", .object(let object)):
            guard case .string(let hex)? = object["hex"] else { return nil }
            return TypeEnvelope.dashed(hex).map { "UUID('\($0)')" }
        default: return nil
        }
    }

    /// The bytes in an envelope; `nil` for any other value.
    static func bytes(ofEnvelope value: WireValue) -> [UInt8]? {
        guard let (type, content) = TypeEnvelope.parts(of: value), case .string(let text) = content else { return nil }
        switch type {
        case "bytes": return Array(text.utf8)
        case "base64": return try? Base64.decode(text)
        default: return nil
        }
    }

    static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    private static func dateTime(_ text: String) -> String? {
        guard let (local, offset) = ISO8601.parse(text) else { return nil }
        let date = local.date
        let zone = offset.map { ", tzinfo=\(timeZone($0))" } ?? ""
        return "datetime.datetime(\(date.year), \(date.month), \(date.day), \(clock(local.time))\(zone))"
    }

    private static func clock(_ time: LocalTime) -> String {
        var text = "\(time.hour), \(time.minute)"
        if time.second != 0 || time.microsecond != 0 { text += ", \(time.second)" }
        if time.microsecond != 0 { text += ", \(time.microsecond)" }
        return text
    }

    /// An offset from UTC in microseconds. In Python's `timedelta` only the days are negative.
    private static func timeZone(_ offset: Int) -> String {
        if offset == 0 { return "datetime.timezone.utc" }
        let day = 86_400_000_000
        let days = offset < 0 ? (offset + 1) / day - 1 : offset / day
        let rest = offset - days * day
        var parts: [String] = []
        if days != 0 { parts.append("days=\(days)") }
        if rest / 1_000_000 != 0 { parts.append("seconds=\(rest / 1_000_000)") }
        if rest % 1_000_000 != 0 { parts.append("microseconds=\(rest % 1_000_000)") }
        return "datetime.timezone(datetime.timedelta(\(parts.joined(separator: ", "))))"
    }
}

/// Exceptions and values as Python's own `repr` shows them, for replies and events that people read.
package enum PythonExceptionText {
    /// An exception: `ValueError('boom', 42)`.
    package static func text(type: String, arguments: [WireValue]) -> String {
        "\(type)(\(arguments.map { text(of: $0) }.joined(separator: ", ")))"
    }

    /// A string as a Python literal.
    package static func quoted(_ string: String) -> String {
        let quote: Unicode.Scalar = string.contains("'") && !string.contains("\"") ? "\"" : "'"
        var output = String(quote)
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\\", quote: output += "\\\(scalar)"
            case "\n": output += "\\n"
            case "\r": output += "\\r"
            case "\t": output += "\\t"
            case _ where scalar.value < 0x20 || 0x7f...0xa0 ~= scalar.value:
                let digits = String(scalar.value, radix: 16)
                output += "\\x" + (digits.utf8.count < 2 ? "0" : "") + digits
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output + String(quote)
    }

    /// Any value, however long it is.
    package static func repr(_ value: WireValue) -> String {
        switch value {
        case .string(let text): quoted(text)
        case .array(let values): "[\(values.map(repr).joined(separator: ", "))]"
        // Dates and the like travel in objects with this key.
        case .object(let object) where object["__type__"] == nil:
            "{\(object.map { "\(quoted($0.key)): \(repr($0.value))" }.joined(separator: ", "))}"
        default: PythonRepr(maximumLength: .max).text(of: value)
        }
    }

    private static func text(of value: WireValue) -> String {
        if case .string(let string) = value { return quoted(string) }
        return PythonRepr().text(of: value)
    }
}
