/// Reads an array's elements.
struct UnkeyedValueDecoder: UnkeyedDecodingContainer {
    private let array: [WireValue]
    private let context: DecodingContext
    private let path: CodingPath
    private(set) var currentIndex = 0

    init(array: [WireValue], context: DecodingContext, path: CodingPath) {
        self.array = array
        self.context = context
        self.path = path
    }

    var codingPath: [any CodingKey] { path.keys }
    var count: Int? { array.count }
    var isAtEnd: Bool { currentIndex >= array.count }

    mutating func decodeNil() throws -> Bool {
        guard try current().isNull else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
        let value = try context.decode(type, from: try current(), at: path.appending(IndexKey(currentIndex)))
        currentIndex += 1
        return value
    }

    mutating func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type
    ) throws -> KeyedDecodingContainer<NestedKey> {
        let container = try currentDecoder().container(keyedBy: type)
        currentIndex += 1
        return container
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        let container = try currentDecoder().unkeyedContainer()
        currentIndex += 1
        return container
    }

    mutating func superDecoder() throws -> any Decoder {
        let decoder = try currentDecoder()
        currentIndex += 1
        return decoder
    }

    private func current() throws -> WireValue {
        guard !isAtEnd else {
            let keys = path.appending(IndexKey(currentIndex)).keys
            let context = DecodingError.Context(
                codingPath: keys, debugDescription: "the array has only \(array.count) elements")
            throw DecodingError.valueNotFound(WireValue.self, context)
        }
        return array[currentIndex]
    }

    private func currentDecoder() throws -> ValueDecoder {
        ValueDecoder(value: try current(), context: context, path: path.appending(IndexKey(currentIndex)))
    }
}
