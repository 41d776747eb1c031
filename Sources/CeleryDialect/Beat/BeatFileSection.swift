import CeleriacCore
import CeleriacWire

/// One object of a ``BeatFile``: what was not asked for is not known.
struct BeatFileSection {
    private let place: String
    private let isObject: Bool
    private var rest: WireObject

    init(_ value: WireValue, _ place: String) {
        self.place = place
        isObject = value.objectValue != nil
        rest = value.objectValue ?? [:]
    }

    /// The value of a key; nil if it is absent or null.
    mutating func take(_ key: String) throws(CeleriacError) -> WireValue? {
        guard isObject else { throw error("is no list of keys with values") }
        let value = rest.removeValue(forKey: key)
        return value?.isNull == true ? nil : value
    }

    mutating func text(_ key: String) throws(CeleriacError) -> String? {
        guard let value = try take(key) else { return nil }
        guard let text = value.stringValue else { throw error("wants text for \(key)") }
        return text
    }

    mutating func flag(_ key: String) throws(CeleriacError) -> Bool? {
        guard let value = try take(key) else { return nil }
        guard let flag = value.boolValue else { throw error("wants true or false for \(key)") }
        return flag
    }

    mutating func number(_ key: String) throws(CeleriacError) -> Double? {
        guard let value = try take(key) else { return nil }
        guard let number = value.doubleValue, number.isFinite else { throw error("wants a number for \(key)") }
        return number
    }

    /// A number of seconds.
    mutating func duration(_ key: String) throws(CeleriacError) -> Duration? {
        guard let seconds = try number(key) else { return nil }
        guard 0..<3.2e11 ~= seconds else { throw error("wants seconds, 0 or more, for \(key)") }
        return .seconds(seconds)
    }

    mutating func object(_ key: String) throws(CeleriacError) -> WireObject? {
        guard let value = try take(key) else { return nil }
        guard let object = value.objectValue else { throw error("wants keys with values for \(key)") }
        return object
    }

    mutating func list(_ key: String) throws(CeleriacError) -> [WireValue]? {
        guard let value = try take(key) else { return nil }
        guard let list = value.arrayValue else { throw error("wants a list for \(key)") }
        return list
    }

    /// Refuses what nobody asked for.
    func finish() throws(CeleriacError) {
        guard isObject else { throw error("is no list of keys with values") }
        if let unknown = rest.first?.key { throw error("does not know the word '\(unknown)'") }
    }

    func error(_ what: String, cause: (any Error)? = nil) -> CeleriacError {
        CeleriacError(.configuration, "\(place) \(what)", cause: cause)
    }
}
