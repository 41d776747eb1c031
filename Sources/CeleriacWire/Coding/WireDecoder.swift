import FoundationEssentials

/// Decodes `Decodable` types from ``WireValue``s.
///
/// An integer type takes only integers that fit, a floating-point type takes any number, and nothing else is converted.
/// `Date`, `Decimal`, `UUID`, bytes and the local times go through the value coding. Standard scalars, arrays of them
/// and `WireValue` itself take a fast path.
public struct WireDecoder: Sendable {
    /// How to read values that JSON lacks.
    public let coding: any ValueCoding

    /// Creates a decoder.
    public init(coding: any ValueCoding = PlainValueCoding()) {
        self.coding = coding
    }

    /// Decodes a value.
    ///
    /// - Throws: `WireError`, which says where and why but never quotes the value, or what the type's `init(from:)`
    ///   throws.
    public func decode<T: Decodable>(_ type: T.Type, from value: WireValue) throws -> T {
        do {
            return try DecodingContext(coding: coding).decode(type, from: value, at: CodingPath())
        } catch let error as DecodingError {
            throw WireError(error)
        }
    }
}

/// What all containers of one decoding share.
struct DecodingContext {
    let coding: any ValueCoding

    /// Decodes any type: known types directly, others through their `init(from:)`.
    func decode<T: Decodable>(
        _ type: T.Type, from value: WireValue, at path: @autoclosure () -> CodingPath
    ) throws -> T {
        if let known = try knownValue(type, from: value, at: path()) { return known }
        let path = path()
        guard path.depth <= WireLimits.default.maximumDepth else {
            throw DecodingError.dataCorrupted(.init(path, .tooDeep(.default)))
        }
        return try T(from: ValueDecoder(value: value, context: self, path: path))
    }

    /// The value as a type that needs no container; `nil` for other types. The most common types come first.
    @inline(__always)
    private func knownValue<T>(
        _ type: T.Type, from value: WireValue, at path: @autoclosure () -> CodingPath
    ) throws -> T? {
        if T.self == String.self {
            guard case .string(let text) = value else { throw mismatch(type, "a string", value, path()) }
            return unsafeBitCast(text, to: T.self)
        }
        if T.self == Int.self { return unsafeBitCast(try integer(Int.self, value, path()), to: T.self) }
        if T.self == Bool.self {
            guard case .bool(let flag) = value else { throw mismatch(type, "a boolean", value, path()) }
            return unsafeBitCast(flag, to: T.self)
        }
        if T.self == Double.self { return unsafeBitCast(try double(value, path()), to: T.self) }
        if T.self == WireValue.self { return unsafeBitCast(value, to: T.self) }
        if let known = try otherScalar(type, from: value, at: path()) { return known }
        if let known = try array(type, from: value, at: path()) { return known }
        return try extended(type, from: value, at: path())
    }

    private func otherScalar<T>(
        _ type: T.Type, from value: WireValue, at path: @autoclosure () -> CodingPath
    ) throws -> T? {
        if T.self == Int64.self { return unsafeBitCast(try integer(Int64.self, value, path()), to: T.self) }
        if T.self == Int32.self { return unsafeBitCast(try integer(Int32.self, value, path()), to: T.self) }
        if T.self == Int16.self { return unsafeBitCast(try integer(Int16.self, value, path()), to: T.self) }
        if T.self == Int8.self { return unsafeBitCast(try integer(Int8.self, value, path()), to: T.self) }
        if T.self == UInt.self { return unsafeBitCast(try integer(UInt.self, value, path()), to: T.self) }
        if T.self == UInt64.self { return unsafeBitCast(try integer(UInt64.self, value, path()), to: T.self) }
        if T.self == UInt32.self { return unsafeBitCast(try integer(UInt32.self, value, path()), to: T.self) }
        if T.self == UInt16.self { return unsafeBitCast(try integer(UInt16.self, value, path()), to: T.self) }
        if T.self == UInt8.self { return unsafeBitCast(try integer(UInt8.self, value, path()), to: T.self) }
        if T.self == Float.self { return unsafeBitCast(try float(value, path()), to: T.self) }
        if T.self == Int128.self { return unsafeBitCast(try integer(Int128.self, value, path()), to: T.self) }
        if T.self == UInt128.self { return unsafeBitCast(try integer(UInt128.self, value, path()), to: T.self) }
        if T.self == WireNumber.self {
            guard let number = WireNumber(value) else { throw mismatch(type, "an integer", value, path()) }
            return unsafeBitCast(number, to: T.self)
        }
        if T.self == URL.self {
            guard case .string(let text) = value, let url = URL(string: text) else {
                throw mismatch(type, "a URL", value, path())
            }
            return unsafeBitCast(url, to: T.self)
        }
        return nil
    }

    private func array<T>(
        _ type: T.Type, from value: WireValue, at path: @autoclosure () -> CodingPath
    ) throws -> T? {
        if T.self == [String].self { return unsafeBitCast(try elements(String.self, value, path()), to: T.self) }
        if T.self == [Int].self { return unsafeBitCast(try elements(Int.self, value, path()), to: T.self) }
        if T.self == [Double].self { return unsafeBitCast(try elements(Double.self, value, path()), to: T.self) }
        if T.self == [Bool].self { return unsafeBitCast(try elements(Bool.self, value, path()), to: T.self) }
        if T.self == [WireValue].self {
            guard case .array(let array) = value else { throw mismatch(type, "an array", value, path()) }
            return unsafeBitCast(array, to: T.self)
        }
        if T.self == WireObject.self {
            guard case .object(let object) = value else { throw mismatch(type, "an object", value, path()) }
            return unsafeBitCast(object, to: T.self)
        }
        return nil
    }

    private func extended<T>(
        _ type: T.Type, from value: WireValue, at path: @autoclosure () -> CodingPath
    ) throws -> T? {
        if T.self == [UInt8].self { return unsafeBitCast(try bytes(value, path()), to: T.self) }
        if T.self == Data.self { return unsafeBitCast(Data(try bytes(value, path())), to: T.self) }
        guard let kind = Self.kind(of: type) else { return nil }
        let extended = try extendedValue(kind, value, path())
        switch extended {
        case .instant(let result) where kind == .instant: return unsafeBitCast(result, to: T.self)
        case .uuid(let result) where kind == .uuid: return unsafeBitCast(result, to: T.self)
        case .decimal(let result) where kind == .decimal: return unsafeBitCast(result, to: T.self)
        case .localDateTime(let result) where kind == .localDateTime: return unsafeBitCast(result, to: T.self)
        case .localDate(let result) where kind == .localDate: return unsafeBitCast(result, to: T.self)
        case .localTime(let result) where kind == .localTime: return unsafeBitCast(result, to: T.self)
        default: throw mismatch(type, "another kind of value from the value coding", value, path())
        }
    }

    private static func kind<T>(of type: T.Type) -> ExtendedValue.Kind? {
        if T.self == Date.self { return .instant }
        if T.self == UUID.self { return .uuid }
        if T.self == Decimal.self { return .decimal }
        if T.self == LocalDateTime.self { return .localDateTime }
        if T.self == LocalDate.self { return .localDate }
        if T.self == LocalTime.self { return .localTime }
        return nil
    }

    // MARK: Conversions

    @inline(__always)
    private func integer<T: FixedWidthInteger>(
        _ type: T.Type, _ value: WireValue, _ path: @autoclosure () -> CodingPath
    ) throws -> T {
        switch value {
        case .int(let value):
            if let result = T(exactly: value) { return result }
        case .number(let text):
            if let result = T(text) { return result }
        default:
            throw mismatch(type, "an integer", value, path())
        }
        let error = WireError(.invalidNumber, "the integer does not fit \(type)")
        throw DecodingError.dataCorrupted(.init(path(), error))
    }

    private func double(_ value: WireValue, _ path: @autoclosure () -> CodingPath) throws -> Double {
        switch value {
        case .double(let value): return value
        case .int(let value): return Double(value)
        case .number(let text):
            if let result = Double(text), result.isFinite { return result }
            let error = WireError(.invalidNumber, "the integer does not fit Double")
            throw DecodingError.dataCorrupted(.init(path(), error))
        default: throw mismatch(Double.self, "a number", value, path())
        }
    }

    private func float(_ value: WireValue, _ path: @autoclosure () -> CodingPath) throws -> Float {
        let wide = try double(value, path())
        let result = Float(wide)
        guard result.isFinite || !wide.isFinite else {
            let error = WireError(.invalidNumber, "the number does not fit Float")
            throw DecodingError.dataCorrupted(.init(path(), error))
        }
        return result
    }

    private func elements<T: Decodable>(
        _ type: T.Type, _ value: WireValue, _ path: @autoclosure () -> CodingPath
    ) throws -> [T] {
        guard case .array(let array) = value else { throw mismatch([T].self, "an array", value, path()) }
        var result: [T] = []
        result.reserveCapacity(array.count)
        for (index, element) in array.enumerated() {
            result.append(try decode(type, from: element, at: path().appending(IndexKey(index))))
        }
        return result
    }

    /// Bytes are whatever the value coding says, or an array of numbers.
    private func bytes(_ value: WireValue, _ path: @autoclosure () -> CodingPath) throws -> [UInt8] {
        if case .array = value { return try elements(UInt8.self, value, path()) }
        guard case .bytes(let bytes) = try extendedValue(.bytes, value, path()) else {
            throw mismatch([UInt8].self, "another kind of value from the value coding", value, path())
        }
        return bytes
    }

    private func extendedValue(
        _ kind: ExtendedValue.Kind, _ value: WireValue, _ path: @autoclosure () -> CodingPath
    ) throws -> ExtendedValue {
        do {
            return try coding.value(of: kind, from: value)
        } catch {
            throw DecodingError.dataCorrupted(.init(path(), error))
        }
    }

    func mismatch(_ type: Any.Type, _ expected: String, _ value: WireValue, _ path: CodingPath) -> DecodingError {
        let text = "expected \(expected), found \(value.kindInWords)"
        if case .null = value {
            return .valueNotFound(type, .init(codingPath: path.keys, debugDescription: text))
        }
        return .typeMismatch(type, .init(codingPath: path.keys, debugDescription: text))
    }
}
