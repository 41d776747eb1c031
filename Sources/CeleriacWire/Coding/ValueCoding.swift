/// How a dialect writes the values that JSON lacks.
///
/// `WireEncoder` and `WireDecoder` ask it for every `Date`, `LocalDateTime`, `LocalDate`, `LocalTime`, `Decimal`, `UUID`,
/// `[UInt8]` and `Data`.
public protocol ValueCoding: Sendable {
    /// Writes an extended value.
    ///
    /// - Throws: `WireError` when the wire has no form for it.
    func wireValue(for value: ExtendedValue) throws(WireError) -> WireValue

    /// Reads an extended value of the kind asked for. The result is of that kind.
    ///
    /// - Throws: `WireError` when `wireValue` is not the form of one.
    func value(of kind: ExtendedValue.Kind, from wireValue: WireValue) throws(WireError) -> ExtendedValue

    /// How whole calls are written, where arguments and results carry more than their values; nil where they do not.
    var callCoding: (any CallCoding)? { get }
}

extension ValueCoding {
    /// None: arguments and results are their values.
    public var callCoding: (any CallCoding)? { nil }
}
