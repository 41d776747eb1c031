package import CeleriacWire

/// Appends pieces of Go's JSON, for objects whose keys have a fixed order.
extension [UInt8] {
    mutating func append(key: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount))
    }

    mutating func append(key: StaticString, text: String) {
        append(key: key)
        if text.isEmpty {
            append(key: "\"\"")
        } else {
            WireJSON.encode(text: text, into: &self, style: .go)
        }
    }

    mutating func append(key: StaticString, number: Int) {
        append(key: key)
        if 0...9 ~= number {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number))
        } else {
            append(contentsOf: String(number).utf8)
        }
    }

    mutating func append(key: StaticString, flag: Bool) {
        append(key: key)
        append(key: flag ? "true" : "false")
    }

    mutating func append(key: StaticString, time: GoTime?) {
        append(key: key)
        guard let time else { return append(key: "null") }
        append(UInt8(ascii: "\""))
        append(contentsOf: time.description.utf8)
        append(UInt8(ascii: "\""))
    }

    mutating func append(value: WireValue) throws(MachineryWireError) {
        do {
            try WireJSON.encode(value, into: &self, style: .go)
        } catch {
            switch error.code {
            case .nonFinite: throw MachineryWireError(.nonFinite, "JSON has no form for NaN and the infinities")
            case .tooDeep: throw MachineryWireError(.tooDeep, "a value is nested too deeply")
            default: throw MachineryWireError(.valueMismatch, "a value has no form in JSON: \(error.code)")
            }
        }
    }
}

extension WireObject {
    /// The object as Go writes a map: its keys, and those of all objects within it, are sorted by their bytes.
    package var sortedAsGo: WireObject {
        if count == 0 { return self }
        return WireObject(
            sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map { ($0.key, $0.value.sortedAsGo) })
    }
}

extension WireValue {
    package var sortedAsGo: WireValue {
        switch self {
        case .object(let object): .object(object.sortedAsGo)
        case .array(let elements): .array(elements.map(\.sortedAsGo))
        default: self
        }
    }
}

/// JSON as Go reads it.
enum GoDocument {
    static func decode(_ bytes: [UInt8], limits: WireLimits) throws(MachineryWireError) -> WireValue {
        var limits = limits
        limits.maximumDepth = MachinerySignature.maximumDepth
        do {
            return try WireJSON.decode(bytes, limits: limits, reading: .go)
        } catch {
            throw MachineryWireError(error.code == .tooDeep ? .tooDeep : .malformedJSON, error.description)
        }
    }
}
