import CeleriacWire

/// How a task's result goes to the wire and comes back. Exists because `Void` is not `Codable`.
struct ResultCoding<Value: Sendable>: Sendable {
    let encode: @Sendable (Value, WireEncoder) throws -> WireValue
    let decode: @Sendable (WireValue, WireDecoder) throws -> Value
}

extension ResultCoding where Value: Codable {
    static var codable: ResultCoding {
        ResultCoding(
            encode: { value, encoder in try encoder.encode(value) },
            decode: { value, decoder in try decoder.decode(Value.self, from: value) })
    }
}

extension ResultCoding where Value == Void {
    static var void: ResultCoding {
        ResultCoding(encode: { _, _ in .null }, decode: { _, _ in () })
    }
}

extension ResultCoding where Value == WireValue {
    static var wire: ResultCoding {
        ResultCoding(encode: { value, _ in value }, decode: { value, _ in value })
    }
}
