package import CeleriacCore
package import CeleriacWire

/// One object of a settings file. A reader takes the keys that it knows; ``finish()`` refuses the others.
package struct SettingsSection {
    private let place: String
    private let isObject: Bool
    private var rest: WireObject
    /// Where the object stands in its file; nil if nobody knows.
    private let spot: (path: [YAMLPlaces.Step], places: YAMLPlaces)?

    /// Begins to read an object. Error messages begin with its place, such as `the settings`, and end with the line and the
    /// column if it is known where the object stands.
    package init(_ value: WireValue, _ place: String, at path: [YAMLPlaces.Step] = [], in places: YAMLPlaces? = nil) {
        self.place = place
        spot = places.map { (path: path, places: $0) }
        isObject = value.objectValue != nil
        rest = value.objectValue ?? [:]
    }

    /// The value of a key; nil if it is absent or null.
    package mutating func take(_ key: String) throws(CeleriacError) -> WireValue? {
        guard isObject else { throw error("is not a list of keys with values") }
        let value = rest.removeValue(forKey: key)
        return value?.isNull == true ? nil : value
    }

    /// Text.
    package mutating func text(_ key: String) throws(CeleriacError) -> String? {
        guard let value = try take(key) else { return nil }
        guard let text = value.stringValue else { throw error("needs text for \(key)", at: key) }
        return text
    }

    /// True or false, also as text or as a number, as projects write it that fill in variables.
    package mutating func flag(_ key: String) throws(CeleriacError) -> Bool? {
        guard let value = try take(key) else { return nil }
        if let flag = value.boolValue { return flag }
        switch value.stringValue?.lowercased() ?? value.intValue.map({ String($0) }) ?? "" {
        case "true", "yes", "on", "1": return true
        case "false", "no", "off", "0": return false
        default: throw error("needs true or false for \(key)", at: key)
        }
    }

    /// A number, also as text.
    package mutating func number(_ key: String) throws(CeleriacError) -> Double? {
        guard let value = try take(key) else { return nil }
        guard let number = value.doubleValue ?? value.stringValue.flatMap({ Double($0) }), number.isFinite else {
            throw error("needs a number for \(key)", at: key)
        }
        return number
    }

    /// A whole number, 1 or more, also as text.
    package mutating func count(_ key: String) throws(CeleriacError) -> Int? {
        guard let value = try take(key) else { return nil }
        guard let count = value.intValue ?? value.stringValue.flatMap({ Int($0) }), count > 0 else {
            throw error("needs a number, 1 or more, for \(key)", at: key)
        }
        return count
    }

    /// The value of a key, which stays there.
    package func peek(_ key: String) -> WireValue? { rest[key] }

    /// Whether a key is there, even with null as its value.
    package func has(_ key: String) -> Bool { rest[key] != nil }

    /// A number of seconds, 0 or more, also as Python writes durations: `2:00:00`.
    package mutating func duration(_ key: String) throws(CeleriacError) -> Duration? {
        if let seconds = peek(key)?.stringValue.flatMap({ PythonDuration.seconds($0) }) { rest[key] = seconds }
        guard let seconds = try number(key) else { return nil }
        guard 0..<3.2e11 ~= seconds else { throw error("needs seconds, 0 or more, for \(key)", at: key) }
        return .seconds(seconds)
    }

    /// AMQP's delivery mode, as a number or in kombu's words.
    package mutating func deliveryMode(_ key: String) throws(CeleriacError) -> UInt8? {
        guard let value = try take(key) else { return nil }
        switch value.stringValue ?? value.intValue.map({ String($0) }) ?? "" {
        case "1", "transient": return 1
        case "2", "persistent": return 2
        default: throw error("needs 1 (transient) or 2 (persistent) for \(key)", at: key)
        }
    }

    /// Keys with values.
    package mutating func object(_ key: String) throws(CeleriacError) -> WireObject? {
        guard let value = try take(key) else { return nil }
        guard let object = value.objectValue else { throw error("needs keys with values for \(key)", at: key) }
        return object
    }

    /// A list.
    package mutating func list(_ key: String) throws(CeleriacError) -> [WireValue]? {
        guard let value = try take(key) else { return nil }
        guard let list = value.arrayValue else { throw error("needs a list for \(key)", at: key) }
        return list
    }

    /// Refuses keys that the reader has not taken.
    package func finish() throws(CeleriacError) {
        guard isObject else { throw error("is not a list of keys with values") }
        if let unknown = rest.first?.key { throw error("has an unknown key '\(unknown)'", at: unknown) }
    }

    /// Tells of keys that the reader has not taken: of those that have no effect with the reason, of others that nobody
    /// knows them.
    package func finish(_ remarks: inout SettingRemarks, idle: [(reason: String, names: [String])] = []) {
        for (key, value) in rest where !value.isNull {
            if let reason = idle.first(where: { $0.names.contains(key) })?.reason {
                remarks.notices.append("\(place) sets \(key), which has no effect: \(reason)")
            } else {
                remarks.warnings.append("\(place) has the unknown key '\(key)', which sets nothing")
            }
        }
    }

    /// Makes an error about this object, or about one of its keys. `what` continues a sentence that begins with its place.
    package func error(_ what: String, at key: String? = nil, cause: (any Error)? = nil) -> CeleriacError {
        CeleriacError(.configuration, "\(place) \(what)\(location(of: key))", cause: cause)
    }

    /// Where the object or one of its keys stands, as it ends a message.
    package func location(of key: String? = nil) -> String {
        guard let spot, let found = spot.places.key(spot.path + (key.map { [.key($0)] } ?? [])) else { return "" }
        return " \(found)"
    }
}
