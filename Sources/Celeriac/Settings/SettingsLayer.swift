package import CeleriacCore
package import CeleriacWire

/// Settings of one origin: a file, the environment, a flag. Later layers go before earlier ones, name by name.
package struct SettingsLayer: Sendable {
    /// Where they stand, as a sentence about them begins: `the settings file celery.yaml`.
    package let place: String
    /// The values, by Celery's names in lower case.
    package let values: WireObject
    /// What should be told about names that nobody knows, a sentence each. As in Celery they set nothing, so that projects
    /// can have names of their own.
    package let warnings: [String]

    /// Makes a layer of settings whose names are known to be right.
    package init(place: String, _ values: WireObject, warnings: [String] = []) {
        self.place = place
        self.values = values
        self.warnings = warnings
    }

    /// Reads a settings file.
    ///
    /// - Parameters:
    ///   - yaml: the file's content.
    ///   - place: where it stands.
    ///   - environment: the variables that `${NAME}` in a value stands for.
    /// - Throws: ``CeleriacError`` with code `configuration` for content that is not YAML, and for a variable that is not there,
    ///   which names the setting.
    package init(yaml: [UInt8], place: String, environment: [String: String] = [:]) throws(CeleriacError) {
        let value: WireValue
        do {
            value = try WireYAML.decode(yaml)
        } catch {
            throw CeleriacError(.configuration, "\(place) cannot be read as YAML", cause: error)
        }
        // An empty file sets nothing.
        guard let written = value.isNull ? [:] : value.objectValue else {
            throw CeleriacError(.configuration, "\(place) is not a list of keys with values")
        }
        let layer = try SettingsLayer(written: written, place: place)
        var values: WireObject = [:]
        for (name, value) in layer.values {
            // What nobody reads may have marks of its own.
            guard SettingNames.reasonWithoutEffect(of: name) == nil else {
                values[name] = value
                continue
            }
            let places = SettingPlaceholders(environment: environment, others: .stay) { reason in
                CeleriacError(.configuration, "\(place) \(reason) for \(name)")
            }
            values[name] = try places.filled(value)
        }
        self.init(place: place, values, warnings: layer.warnings)
    }

    /// Reads settings as somebody has written them.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` for a name that is there twice, in its old form and its new one.
    package init(written: WireObject, place: String) throws(CeleriacError) {
        var values: WireObject = [:]
        var warnings: [String] = []
        for (name, value) in try OldSettingNames.translated(written, in: place) {
            if SettingNames.isKnown(name) {
                values[name] = value
                continue
            }
            let meant = Misspelling.nearest(to: name, among: SettingNames.all) ?? OldSettingNames.nearest(to: name)
            let question = meant.map { ": did you mean '\($0)'?" } ?? ""
            warnings.append("\(place) has the unknown key '\(name)', which sets nothing\(question)")
        }
        self.init(place: place, values, warnings: warnings)
    }

    /// The beginning of variables that have settings.
    package static let prefix = "CELERY_"

    /// Reads the variables of all known settings, such as `CELERY_TASK_ACKS_LATE`; their values are YAML, or plain text.
    /// Beside the usual prefix the names from before Celery 4 are read as well, such as `CELERYD_CONCURRENCY`, and variables
    /// that are like a known one are told of. Others are ignored.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` for a value that is not YAML.
    package init(environment: [String: String], prefix: String = SettingsLayer.prefix) throws(CeleriacError) {
        var values: WireObject = [:]
        var warnings: [String] = []
        for name in SettingNames.all {
            let variable = prefix + name.uppercased()
            guard let text = environment[variable] else { continue }
            values[name] = try Self.value(text, of: name, in: variable)
        }
        // What begins otherwise is a program's own, and may not be meant for settings.
        for (variable, text) in environment.sorted(by: { $0.key < $1.key }) where prefix == Self.prefix {
            if let name = OldSettingNames.newName(ofVariable: variable) {
                if values[name] == nil { values[name] = try Self.value(text, of: name, in: variable) }
            } else if let meant = Self.meant(by: variable) {
                warnings.append("the environment has \(variable), which sets nothing: did you mean \(meant)?")
            }
        }
        self.init(place: "the environment", values, warnings: warnings)
    }

    /// A variable's value. Passwords and names may look like numbers, or be no YAML at all.
    private static func value(
        _ text: String, of name: String, in variable: String
    ) throws(CeleriacError) -> WireValue {
        let isQuoted = text.count > 1 && text.first == text.last && (text.first == "'" || text.first == "\"")
        let isNull = ["", "~", "null"].contains(text)
        if SettingNames.texts.contains(name), !isQuoted, !isNull { return .string(text) }
        do {
            return try WireYAML.decode(Array(text.utf8))
        } catch {
            throw CeleriacError(.configuration, "the variable \(variable) is not YAML", cause: error)
        }
    }

    /// The variable that somebody may have meant; nil for one that is known, or like none.
    private static func meant(by variable: String) -> String? {
        guard variable.hasPrefix(prefix) else { return OldSettingNames.nearest(to: variable) }
        let name = variable.dropFirst(prefix.count).lowercased()
        if SettingNames.isKnown(name) { return nil }
        return Misspelling.nearest(to: name, among: SettingNames.all).map { prefix + $0.uppercased() }
            ?? OldSettingNames.nearest(to: variable)
    }
}

/// Finds what somebody may have meant.
package enum Misspelling {
    /// The name that differs least from a text; nil if none is near.
    package static func nearest(to text: String, among names: [String]) -> String? {
        let text = text.lowercased()
        let limit = max(1, text.count / 4)
        return names.map { ($0, distance(text, $0)) }.filter { $0.1 <= limit }.min { $0.1 < $1.1 }?.0
    }

    /// How many characters have to be added, dropped or changed to make one text the other (Levenshtein).
    static func distance(_ one: String, _ other: String) -> Int {
        let other = Array(other)
        var row = Array(0...other.count)
        for (line, character) in one.enumerated() {
            var next = [line + 1]
            for (column, (above, diagonal)) in zip(row.dropFirst(), row).enumerated() {
                let change = diagonal + (other[column] == character ? 0 : 1)
                next.append(min(change, above + 1, (next.last ?? 0) + 1))
            }
            row = next
        }
        return row.last ?? 0
    }
}
