import CeleriacWire
import CeleryWire
import Foundation

/// What stands for the placeholders in a case's texts in one run of it.
///
/// `${name}` is an id, new for each run and the same in all of it. `${now+2}` is the time two seconds after the run began, with an
/// offset of UTC; `${nowz+2}` ends with Z, `${nown+2}` has no zone, and `${nowi+2}` is the time in India.
struct LivePlaceholders {
    private var names: [String: String] = [:]
    private let began: Date

    /// Makes the placeholders of a run that begins now.
    init(began: Date = Date()) { self.began = began }

    /// Gives a name a text.
    mutating func set(_ name: String, to text: String) { names[name] = text }

    /// A value with the placeholders of its texts filled in.
    mutating func fill(_ value: WireValue) -> WireValue {
        switch value {
        case .string(let text): return .string(fill(text))
        case .array(let values):
            var filled: [WireValue] = []
            for value in values { filled.append(fill(value)) }
            return .array(filled)
        case .object(let object):
            var filled = WireObject()
            for (key, value) in object { filled[fill(key)] = fill(value) }
            return .object(filled)
        default: return value
        }
    }

    /// A text with its placeholders filled in.
    mutating func fill(_ text: String) -> String {
        var filled = ""
        var rest = Substring(text)
        while let start = rest.range(of: "${"), let end = rest[start.upperBound...].range(of: "}") {
            filled += rest[..<start.lowerBound]
            filled += word(String(rest[start.upperBound..<end.lowerBound]))
            rest = rest[end.upperBound...]
        }
        return filled + rest
    }

    private mutating func word(_ name: String) -> String {
        if let time = time(name) { return time }
        if let known = names[name] { return known }
        let made = UUID().uuidString.lowercased()
        names[name] = made
        return made
    }

    private func time(_ name: String) -> String? {
        guard name.hasPrefix("now") else { return nil }
        var rest = name.dropFirst(3)
        let form = rest.first.flatMap { "zni".contains($0) ? $0 : nil }
        if form != nil { rest = rest.dropFirst() }
        guard rest.isEmpty || rest.first == "+" || rest.first == "-" else { return nil }
        guard let seconds = rest.isEmpty ? 0 : Double(rest) else { return nil }
        let offset: Double = form == "i" ? 19_800 : 0
        guard let text = CeleryTime.text(began.addingTimeInterval(seconds + offset)) else { return nil }
        return switch form {
        case "z": text.replacingOccurrences(of: "+00:00", with: "Z")
        case "n": text.replacingOccurrences(of: "+00:00", with: "")
        case "i": text.replacingOccurrences(of: "+00:00", with: "+05:30")
        default: text
        }
    }
}
