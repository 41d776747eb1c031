import CeleriacCommand
import CeleriacWire

/// How the kit compares values of testees, which come from any language.
enum ConformanceValue {
    /// The value in the one form that the kit knows: bytes and numbers that JSON lacks become objects with a type.
    static func normal(_ value: WireValue) -> WireValue {
        switch value {
        case .bytes(let bytes): return typed("base64", Base64.encode(bytes))
        case .double(let number) where !number.isFinite:
            return typed("float", number.isNaN ? "nan" : number < 0 ? "-inf" : "inf")
        case .array(let values): return .array(values.map { normal($0) })
        case .object(let object):
            // Bytes that are text and bytes that are not have two forms on the wire.
            if object.count == 2, object["__type__"]?.stringValue == "bytes",
                let text = object["__value__"]?.stringValue
            {
                return typed("base64", Base64.encode(Array(text.utf8)))
            }
            return .object(WireObject(object.map { ($0.key, normal($0.value)) }))
        default: return value
        }
    }

    /// Whether two values mean the same: numbers by their value, objects in any order of their keys.
    static func same(_ left: WireValue, _ right: WireValue) -> Bool {
        switch (left, right) {
        case (.array(let left), .array(let right)):
            left.count == right.count && zip(left, right).allSatisfy { same($0, $1) }
        case (.object(let left), .object(let right)):
            left.count == right.count
                && left.allSatisfy { element in right[element.key].map { same(element.value, $0) } ?? false }
        case (.double(let double), .int(let int)), (.int(let int), .double(let double)): double == Double(int)
        case (.double(let double), .number(let text)), (.number(let text), .double(let double)):
            Double(text) == double
        default: left == right
        }
    }

    /// The beginning of a value's text, for reports.
    static func excerpt(_ value: WireValue?) -> String {
        guard let value else { return "nothing" }
        return String(CommandOutput.json(value).prefix(120))
    }

    private static func typed(_ type: String, _ text: String) -> WireValue {
        ["__type__": .string(type), "__value__": .string(text)]
    }
}
