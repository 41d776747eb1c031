public import FoundationEssentials

/// How a dialect writes the values that JSON lacks.
///
/// ``WireEncoder`` and ``WireDecoder`` ask it for every `Date`, `LocalDateTime`, `LocalDate`, `LocalTime`, `Decimal`,
/// `UUID`, `[UInt8]` and `Data`.
public protocol ValueCoding: Sendable {
    /// Writes an extended value.
    ///
    /// - Throws: `WireError` when the wire has no form for it.
    func wireValue(for value: ExtendedValue) throws(WireError) -> WireValue

    /// Reads an extended value of the requested kind. The result must be of that kind.
    ///
    /// - Throws: `WireError` when `wireValue` is not such a value.
    func value(of kind: ExtendedValue.Kind, from wireValue: WireValue) throws(WireError) -> ExtendedValue

    /// How this package's own dialects write whole calls. Other types need not implement it: the default is `nil`.
    var callForm: CallForm? { get }
}

extension ValueCoding {
    /// `nil`, so that arguments and results are written as plain values.
    public var callForm: CallForm? { nil }
}

/// A value that Swift and Python have and JSON lacks. The dialect decides its form on the wire.
public enum ExtendedValue: Sendable, Hashable {
    /// A point in time; Python's aware `datetime`.
    case instant(Date)
    /// A date and time without a zone; Python's naive `datetime`.
    case localDateTime(LocalDateTime)
    /// A date; Python's `date`.
    case localDate(LocalDate)
    /// A time of day; Python's naive `time`.
    case localTime(LocalTime)
    /// A decimal number; Python's `Decimal`.
    case decimal(Decimal)
    /// A UUID; Python's `uuid.UUID`.
    case uuid(UUID)
    /// Raw bytes; Python's `bytes`.
    case bytes([UInt8])

    /// The kinds of extended value.
    public enum Kind: Sendable, Hashable, CaseIterable {
        /// A point in time.
        case instant
        /// A date and time without a zone.
        case localDateTime
        /// A date.
        case localDate
        /// A time of day.
        case localTime
        /// A decimal number.
        case decimal
        /// A UUID.
        case uuid
        /// Raw bytes.
        case bytes
    }

    /// The kind of this value.
    public var kind: Kind {
        switch self {
        case .instant: .instant
        case .localDateTime: .localDateTime
        case .localDate: .localDate
        case .localTime: .localTime
        case .decimal: .decimal
        case .uuid: .uuid
        case .bytes: .bytes
        }
    }
}

/// A coding without a dialect: ISO 8601 text for dates and times, decimal text, UUID text, base64 text for bytes.
///
/// It also reads `.bytes` as bytes and any number as a decimal, so that it understands MessagePack and YAML bodies. It
/// writes what Celery before 5.3 wrote, except bytes, which Celery refused.
public struct PlainValueCoding: ValueCoding {
    /// Creates the coding.
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
    /// - Throws: `WireError`: `typeMismatch` when the value has another type, `malformed` or `invalidBase64` when its
    ///   text is not of the requested kind.
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
