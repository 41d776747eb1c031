import FoundationEssentials

/// Encodes `Encodable` values as ``WireValue``s.
///
/// Integers, floats, strings, arrays and objects keep their kind. `Date`, `Decimal`, `UUID`, bytes and the local times
/// go through the value coding. Standard scalars, arrays of them and `WireValue` itself take a fast path.
public struct WireEncoder: Sendable {
    /// How to write values that JSON lacks.
    public let coding: any ValueCoding

    /// Creates an encoder.
    public init(coding: any ValueCoding = PlainValueCoding()) {
        self.coding = coding
    }

    /// Encodes a value.
    ///
    /// - Throws: `WireError`, which says where and why, or what the value's `encode(to:)` throws.
    public func encode<T: Encodable>(_ value: T) throws -> WireValue {
        do {
            return try EncodingContext(coding: coding).encode(value, at: CodingPath())
        } catch let error as EncodingError {
            throw WireError(error)
        }
    }
}

/// What all containers of one encoding share.
struct EncodingContext {
    let coding: any ValueCoding

    /// Encodes any value: known types directly, others through their `encode(to:)`.
    func encode<T: Encodable>(_ value: T, at path: @autoclosure () -> CodingPath) throws -> WireValue {
        if let known = try knownValue(value, at: path()) { return known }
        let path = path()
        guard path.depth <= WireLimits.default.maximumDepth else {
            throw EncodingError.invalidValue(value, .init(path, .tooDeep(.default)))
        }
        let node = EncodingNode()
        try value.encode(to: ValueEncoder(node: node, context: self, path: path))
        return try node.value(of: value, at: path)
    }

    /// The value of a type that needs no container; `nil` for other types. The most common types come first.
    @inline(__always)
    private func knownValue<T: Encodable>(_ value: T, at path: @autoclosure () -> CodingPath) throws -> WireValue? {
        if T.self == String.self { return .string(unsafeBitCast(value, to: String.self)) }
        if T.self == Int.self { return .int(Int64(unsafeBitCast(value, to: Int.self))) }
        if T.self == Bool.self { return .bool(unsafeBitCast(value, to: Bool.self)) }
        if T.self == Double.self { return .double(unsafeBitCast(value, to: Double.self)) }
        if T.self == WireValue.self { return unsafeBitCast(value, to: WireValue.self) }
        if let value = otherScalar(value) { return value }
        if let value = array(value) { return value }
        guard let value = extended(value) else { return nil }
        do {
            return try coding.wireValue(for: value)
        } catch {
            throw EncodingError.invalidValue(value, .init(path(), error))
        }
    }

    private func otherScalar<T>(_ value: T) -> WireValue? {
        if T.self == Int64.self { return .int(unsafeBitCast(value, to: Int64.self)) }
        if T.self == Int32.self { return .int(Int64(unsafeBitCast(value, to: Int32.self))) }
        if T.self == Int16.self { return .int(Int64(unsafeBitCast(value, to: Int16.self))) }
        if T.self == Int8.self { return .int(Int64(unsafeBitCast(value, to: Int8.self))) }
        if T.self == UInt.self { return integer(unsafeBitCast(value, to: UInt.self)) }
        if T.self == UInt64.self { return integer(unsafeBitCast(value, to: UInt64.self)) }
        if T.self == UInt32.self { return .int(Int64(unsafeBitCast(value, to: UInt32.self))) }
        if T.self == UInt16.self { return .int(Int64(unsafeBitCast(value, to: UInt16.self))) }
        if T.self == UInt8.self { return .int(Int64(unsafeBitCast(value, to: UInt8.self))) }
        if T.self == Float.self { return .double(Self.double(unsafeBitCast(value, to: Float.self))) }
        if T.self == Int128.self { return integer(unsafeBitCast(value, to: Int128.self)) }
        if T.self == UInt128.self { return integer(unsafeBitCast(value, to: UInt128.self)) }
        if T.self == WireNumber.self { return unsafeBitCast(value, to: WireNumber.self).wireValue }
        if T.self == URL.self { return .string(unsafeBitCast(value, to: URL.self).absoluteString) }
        return nil
    }

    private func array<T>(_ value: T) -> WireValue? {
        if T.self == [String].self { return .array(unsafeBitCast(value, to: [String].self).map { .string($0) }) }
        if T.self == [Int].self { return .array(unsafeBitCast(value, to: [Int].self).map { .int(Int64($0)) }) }
        if T.self == [Double].self { return .array(unsafeBitCast(value, to: [Double].self).map { .double($0) }) }
        if T.self == [Bool].self { return .array(unsafeBitCast(value, to: [Bool].self).map { .bool($0) }) }
        if T.self == [WireValue].self { return .array(unsafeBitCast(value, to: [WireValue].self)) }
        if T.self == WireObject.self { return .object(unsafeBitCast(value, to: WireObject.self)) }
        return nil
    }

    private func extended<T>(_ value: T) -> ExtendedValue? {
        if T.self == [UInt8].self { return .bytes(unsafeBitCast(value, to: [UInt8].self)) }
        if T.self == Data.self { return .bytes([UInt8](unsafeBitCast(value, to: Data.self))) }
        if T.self == Date.self { return .instant(unsafeBitCast(value, to: Date.self)) }
        if T.self == UUID.self { return .uuid(unsafeBitCast(value, to: UUID.self)) }
        if T.self == Decimal.self { return .decimal(unsafeBitCast(value, to: Decimal.self)) }
        if T.self == LocalDateTime.self { return .localDateTime(unsafeBitCast(value, to: LocalDateTime.self)) }
        if T.self == LocalDate.self { return .localDate(unsafeBitCast(value, to: LocalDate.self)) }
        if T.self == LocalTime.self { return .localTime(unsafeBitCast(value, to: LocalTime.self)) }
        return nil
    }

    private func integer(_ value: some BinaryInteger) -> WireValue {
        Int64(exactly: value).map { .int($0) } ?? .number(String(value))
    }

    /// The float with the same shortest text, so that 0.1 does not become 0.10000000149011612.
    private static func double(_ value: Float) -> Double {
        value.isFinite ? Double(value.description) ?? Double(value) : Double(value)
    }
}
