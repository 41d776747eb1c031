import CeleriacWire
import CeleryWire
import Foundation

/// One requirement on a place of what a testee wrote.
struct ConformanceCheck: Sendable {
    /// A step of the way to the place.
    enum Step: Sendable {
        case key(String)
        case index(Int)
    }

    private let steps: [Step]
    private let requirements: WireObject

    /// Reads a check as the corpus has it; nil if it has no place.
    init?(_ value: WireValue) {
        guard let requirements = value.objectValue, let place = requirements["at"]?.arrayValue else { return nil }
        var steps: [Step] = []
        for step in place {
            if let key = step.stringValue {
                steps.append(.key(key))
            } else if let index = step.intValue, index >= 0 {
                steps.append(.index(index))
            } else {
                return nil
            }
        }
        self.steps = steps
        self.requirements = requirements
    }

    /// Why the check does not hold for what a testee wrote; nil if it holds.
    func problem(in written: WireValue) -> String? {
        let found = value(in: written)
        if requirements["absent"]?.boolValue == true { return found == nil ? nil : "\(place) must be absent" }
        guard let found else { return requirements["optional"]?.boolValue == true ? nil : "\(place) is missing" }
        let value = ConformanceValue.normal(found)
        func isSame(_ wanted: WireValue) -> Bool { ConformanceValue.same(ConformanceValue.normal(wanted), value) }
        if let wanted = requirements["is"], !isSame(wanted) {
            let both = (ConformanceValue.excerpt(value), ConformanceValue.excerpt(wanted))
            return "\(place) is \(both.0) instead of \(both.1)"
        }
        if let allowed = requirements["oneof"]?.arrayValue, !allowed.contains(where: isSame) {
            return "\(place) is \(ConformanceValue.excerpt(value)), none of what is allowed"
        }
        if let kinds = requirements["kind"]?.arrayValue?.compactMap(\.stringValue), !kinds.contains(Self.kind(value)) {
            return "\(place) is \(Self.kind(value)), not \(kinds.joined(separator: " or "))"
        }
        if requirements["filled"]?.boolValue == true, Self.isEmpty(value) { return "\(place) is empty" }
        if let start = requirements["starts"]?.stringValue, value.stringValue?.hasPrefix(start) != true {
            return "\(place) does not start with \(start)"
        }
        if let part = requirements["contains"]?.stringValue, value.stringValue?.contains(part) != true {
            return "\(place) does not contain \(part)"
        }
        if let time = requirements["after"]?.stringValue, !Self.isTime(value, after: time) {
            return "\(place) is \(ConformanceValue.excerpt(value)), not after \(time)"
        }
        return nil
    }

    /// Whether a value is the text of a time that is not before another. One without a zone is UTC.
    private static func isTime(_ value: WireValue, after start: String) -> Bool {
        guard let text = value.stringValue, let time = CeleryTime.date(text), let start = CeleryTime.date(start) else {
            return false
        }
        return time >= start
    }

    private func value(in written: WireValue) -> WireValue? {
        var value = written
        for step in steps {
            switch step {
            case .key(let key):
                guard let next = value[key] else { return .none }
                value = next
            case .index(let index):
                guard let array = value.arrayValue, array.indices.contains(index) else { return .none }
                value = array[index]
            }
        }
        return .some(value)
    }

    private var place: String {
        let words = steps.map { step in
            switch step {
            case .key(let key): key
            case .index(let index): String(index)
            }
        }
        return words.joined(separator: ".")
    }

    private static func kind(_ value: WireValue) -> String {
        switch value {
        case .null: "null"
        case .bool: "boolean"
        case .int, .number, .double: "number"
        case .string: "string"
        case .bytes: "bytes"
        case .array: "array"
        case .object: "object"
        }
    }

    private static func isEmpty(_ value: WireValue) -> Bool {
        switch value {
        case .null: true
        case .string(let text): text.isEmpty
        case .array(let values): values.isEmpty
        case .object(let object): object.isEmpty
        default: false
        }
    }
}
