package import CeleriacCore
package import CeleriacWire

/// Settings of one origin: a file, the environment, a flag. Later layers go before earlier ones, name by name.
package struct SettingsLayer: Sendable {
    /// Where they stand, as a sentence about them begins: `the settings file celery.yaml`.
    package let place: String
    /// The values, by Celery's names in lower case.
    package let values: WireObject

    /// Makes a layer of settings whose names are known to be right.
    package init(place: String, _ values: WireObject) {
        self.place = place
        self.values = values
    }

    /// Reads a settings file.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` for content that is not YAML or has a name that nobody
    ///   knows.
    package init(yaml: [UInt8], place: String) throws(CeleriacError) {
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
        let values = try OldSettingNames.translated(written, in: place)
        for name in values.keys where !SettingNames.isKnown(name) {
            let nearest = Misspelling.nearest(to: name, among: SettingNames.all).map { ": did you mean '\($0)'?" } ?? ""
            throw CeleriacError(.configuration, "\(place) has an unknown key '\(name)'\(nearest)")
        }
        self.init(place: place, values)
    }

    /// Reads the variables of all known settings, such as `CELERY_TASK_ACKS_LATE`; their values are YAML. Other variables
    /// are ignored.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` for a value that is not YAML.
    package init(environment: [String: String], prefix: String = "CELERY_") throws(CeleriacError) {
        var values: WireObject = [:]
        for name in SettingNames.all {
            guard let text = environment[prefix + name.uppercased()] else { continue }
            do {
                values[name] = try WireYAML.decode(Array(text.utf8))
            } catch {
                throw CeleriacError(
                    .configuration, "the variable \(prefix + name.uppercased()) is not YAML", cause: error)
            }
        }
        self.init(place: "the environment", values)
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
