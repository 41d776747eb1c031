/// Turns `Encodable` values into `WireValue`s.
///
/// Integers, floats, strings, arrays and objects keep their kind; `Date`, `Decimal`, `UUID`, bytes and the local times go
/// through the value coding. Standard scalars, arrays of them and `WireValue` itself take a short way.
public struct WireEncoder: Sendable {
    /// How values that JSON lacks are written.
    public let coding: any ValueCoding

    /// Makes an encoder.
    public init(coding: any ValueCoding = PlainValueCoding()) {
        self.coding = coding
    }

    /// Encodes a value.
    ///
    /// - Throws: `WireError` that says where and why, or what the value's own `encode(to:)` throws.
    public func encode<T: Encodable>(_ value: T) throws -> WireValue {
        do {
            return try EncodingContext(coding: coding).encode(value, at: CodingPath())
        } catch let error as EncodingError {
            throw WireError(error)
        }
    }
}
