import FoundationEssentials

/// The coding without a dialect: ISO 8601 text for dates and times, decimal text, UUID text, base64 text for bytes.
///
/// It also reads `.bytes` as bytes and any number as a decimal, so that MessagePack and YAML bodies come through. What it
/// writes is what Celery before 5.3 wrote (bytes excepted, which it refused).
public struct PlainValueCoding: ValueCoding {
    /// Makes the coding.
    public init() {}

    /// Writes an extended value as text.
    ///
    /// - Throws: `WireError.Code.unsupported` for an instant outside the years 1 to 9999.
    public func wireValue(for value: ExtendedValue) throws(WireError) -> WireValue {
        switch value {
        case .instant(let date):
            guard let text = ISO8601.format(date) else {
                throw WireError(.unsupported, "a date outside the years 1 to 9999 has no form on the wire")
            }
            return .string(text)
        case .localDateTime(let value): return .string(value.description)
        case .localDate(let value): return .string(value.description)
        case .localTime(let value): return .string(value.description)
        case .decimal(let value): return .string(DecimalText.text(of: value))
        case .uuid(let value): return .string(value.uuidString.lowercased())
        case .bytes(let bytes): return .string(Base64.encode(bytes))
        }
    }

    /// Reads an extended value from text.
    ///
    /// - Throws: `WireError.Code.typeMismatch` when the value is of another type, `malformed` or `invalidBase64` when its
    ///   text is not of the kind.
    public func value(
        of kind: ExtendedValue.Kind, from wireValue: WireValue
    ) throws(WireError) -> ExtendedValue {
        switch (kind, wireValue) {
        case (.bytes, .bytes(let bytes)): return .bytes(bytes)
        case (.decimal, .int(let value)): return .decimal(Decimal(value))
        case (.decimal, .number(let text)): return .decimal(try DecimalText.decimal(text))
        case (.decimal, .double(let value)): return .decimal(try DecimalText.decimal(value.description))
        case (_, .string(let text)): return try Self.value(of: kind, text: text)
        default:
            throw WireError(.typeMismatch, "expected \(Self.expectation(kind)), found \(wireValue.kindInWords)")
        }
    }

    private static func value(of kind: ExtendedValue.Kind, text: String) throws(WireError) -> ExtendedValue {
        switch kind {
        case .instant:
            if let date = ISO8601.parseInstant(text) { return .instant(date) }
            if ISO8601.parse(text) != nil {
                throw WireError(.malformed, "a date and time without offset from UTC; decode it as LocalDateTime")
            }
        case .localDateTime:
            if let (local, offset) = ISO8601.parse(text) {
                if offset == nil { return .localDateTime(local) }
                throw WireError(.malformed, "a date and time with an offset from UTC; decode it as Date")
            }
        case .localDate:
            // Celery before 5.3 wrote dates with a midnight.
            if let (local, offset) = ISO8601.parse(text), offset == nil, local.time == .midnight {
                return .localDate(local.date)
            }
        case .localTime:
            if let time = LocalTime(text) { return .localTime(time) }
        case .decimal:
            return .decimal(try DecimalText.decimal(text))
        case .uuid:
            if let uuid = UUID(uuidString: text) { return .uuid(uuid) }
        case .bytes:
            return .bytes(try Base64.decode(text))
        }
        throw WireError(.malformed, "expected \(expectation(kind)), found other text")
    }

    private static func expectation(_ kind: ExtendedValue.Kind) -> String {
        switch kind {
        case .instant: "an ISO 8601 date and time with offset"
        case .localDateTime: "an ISO 8601 date and time"
        case .localDate: "an ISO 8601 date"
        case .localTime: "an ISO 8601 time"
        case .decimal: "a decimal number"
        case .uuid: "a UUID"
        case .bytes: "base64 text or bytes"
        }
    }
}
