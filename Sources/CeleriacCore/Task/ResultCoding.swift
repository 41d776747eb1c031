import CeleriacWire

/// How a task's result is written to the wire and read back. It exists because `Void` is not `Codable`.
struct ResultCoding<Value: Sendable>: Sendable {
    let encode: @Sendable (Value, WireEncoder) throws -> WireValue
    let decode: @Sendable (WireValue, WireDecoder) throws -> Value
}

extension ResultCoding where Value: Codable {
    static var codable: ResultCoding {
        ResultCoding(
            encode: { value, encoder in
                guard let calls = encoder.coding.callCoding else { return try encoder.encode(value) }
                return try calls.encodeResults((value as? any SeveralResults)?.each ?? [value])
            },
            decode: { value, decoder in
                guard let calls = decoder.coding.callCoding else { return try decoder.decode(Value.self, from: value) }
                return try calls.decodeResults(Value.self, from: value)
            })
    }
}

extension ResultCoding where Value == Void {
    static var void: ResultCoding {
        ResultCoding(
            encode: { _, encoder in try encoder.coding.callCoding?.encodeResults([]) ?? .null },
            decode: { _, _ in () })
    }
}

extension ResultCoding where Value == WireValue {
    static var wire: ResultCoding {
        ResultCoding(
            encode: { value, _ in value },
            decode: { value, decoder in try decoder.coding.callCoding?.untypedResult(in: value) ?? value })
    }
}

extension CallCoding {
    /// Reads the only result of a task, or all of its results if `Value` stands for several.
    fileprivate func decodeResults<Value: Decodable>(_ type: Value.Type, from value: WireValue) throws -> Value {
        if let untyped = try untypedResult(in: value) as? Value, type == WireValue.self { return untyped }
        let results = try results(in: value)
        if let several = type as? any SeveralResults.Type {
            guard let values = try several.init(results, coding: self) as? Value else {
                throw CallError("the task has \(results.count) results")
            }
            return values
        }
        guard let result = results.first, results.count == 1 else {
            throw CallError("the task has \(results.count) results, not one")
        }
        return try decodeResult(type, from: result)
    }

    /// The value of a task's only result, a list if it has several, null if it has none.
    fileprivate func untypedResult(in value: WireValue) throws -> WireValue {
        let values = try results(in: value).map { try decodeResult(WireValue.self, from: $0) }
        return values.count == 1 ? values.first ?? .null : values.isEmpty ? .null : .array(values)
    }
}
