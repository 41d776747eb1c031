/// Turns `WireValue`s into `Decodable` values.
///
/// Integers must be integers and fit; a float is made of any number; nothing else is converted. `Date`, `Decimal`,
/// `UUID`, bytes and the local times go through the value coding. Standard scalars, arrays of them and `WireValue` itself
/// take a short way.
public struct WireDecoder: Sendable {
    /// How values that JSON lacks are read.
    public let coding: any ValueCoding

    /// Makes a decoder.
    public init(coding: any ValueCoding = PlainValueCoding()) {
        self.coding = coding
    }

    /// Decodes a value.
    ///
    /// - Throws: `WireError` that says where and why (never the value), or what the type's own `init(from:)` throws.
    public func decode<T: Decodable>(_ type: T.Type, from value: WireValue) throws -> T {
        do {
            return try DecodingContext(coding: coding).decode(type, from: value, at: CodingPath())
        } catch let error as DecodingError {
            throw WireError(error)
        }
    }
}
