import CeleriacCore
package import CeleriacWire
import CeleryDialect

/// A settings file that makes a worker here work like another, out of what that tells of itself (`inspect conf`).
///
/// Nobody tells secrets. Each has a name such as `${BROKER_URL_PASSWORD}` in the file, which is filled in from the environment
/// when it is read. What has no effect here, or cannot be followed, stands in comments with the reason.
package struct WorkerSettingsFile: Sendable {
    /// A setting that the file leaves out.
    package struct Omission: Sendable, Equatable {
        /// Its name at the worker.
        package let name: String
        /// Its value, as the worker tells it.
        package let value: WireValue
        /// Why.
        package let reason: String
    }

    /// The worker's node name.
    package let node: String
    /// The settings, in the order of their names.
    package private(set) var settings: WireObject = [:]
    /// The names of the secrets that have to be filled in.
    package private(set) var secrets: [String] = []
    /// What is left out, in the order of the names.
    package private(set) var omissions: [Omission] = []

    /// Makes a file.
    ///
    /// - Parameters:
    ///   - node: the worker's node name.
    ///   - conf: its settings, as `inspect conf` shows them. Workers here tell defaults, too, which the file leaves out.
    package init(of node: String, conf: WireObject) {
        self.node = node
        let conf = SettingDefaults.removed(from: conf)
        // A list of what the worker was told under old names, but no setting.
        for name in conf.keys.sorted() where name != "deprecated_settings" {
            guard let value = conf[name] else { continue }
            switch SettingNames.verdict(of: name) {
            case nil: omit(name, value, "Celery has no such setting")
            case .withoutEffect(let reason)?: omit(name, value, "it has no effect here: \(reason)")
            case .honoured?, .limited?: settings[name] = name == "task_queues" ? Self.queues(value) : value
            }
        }
        // Without one setting another may be refused, so they are read until all that is left can be.
        for _ in conf {
            let readable = WireObject(settings.map { ($0.key, Self.readable($0.value)) })
            let refusals = SettingRefusal.all(layers: [SettingsLayer(place: "the worker", readable)])
            if refusals.isEmpty { break }
            for refusal in refusals {
                for name in refusal.names {
                    guard let value = settings.removeValue(forKey: name) else { continue }
                    omit(name, value, refusal.error.message)
                }
            }
        }
        omissions.sort { $0.name < $1.name }
        for (name, value) in settings {
            let filled = fill(Self.readable(value), named: name)
            settings[name] = filled
        }
    }

    /// The file, in ASCII.
    package var text: String {
        var lines = ["# Settings of \(Self.comment(node)) that are not Celery's defaults, as the worker tells them."]
        if !secrets.isEmpty {
            lines.append("# It tells no secrets. Set variables of these names, or put them in their places:")
            lines += secrets.map { "#   ${\($0)}" }
        }
        lines += settings.map { Self.line($0.key, $0.value) }
        if !omissions.isEmpty {
            lines += ["", "# The worker also has these settings."]
            for omission in omissions {
                lines.append("# \(Self.line(omission.name, omission.value))")
                lines.append("#   \(Self.comment(omission.reason))")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private mutating func omit(_ name: String, _ value: WireValue, _ reason: String) {
        omissions.append(Omission(name: name, value: value, reason: reason))
    }

    // MARK: Values

    /// The queues of `task_queues`, as another worker can have them: of a broadcast each has a queue of its own.
    private static func queues(_ value: WireValue) -> WireValue {
        var list = value.arrayValue
        // In a mapping of kombu's queues, their own names count.
        if let object = value.objectValue, object.allSatisfy({ $0.value["name"]?.stringValue != nil }) {
            list = object.map { $0.value }
        }
        guard let list else { return value }
        return .array(
            list.map { queue -> WireValue in
                guard queue["name"]?.stringValue?.hasPrefix("bcast.") == true, let alias = queue["alias"]?.stringValue,
                    queue["exchange"]?["name"]?.stringValue == alias
                else { return queue }
                return ["name": .string(alias), "broadcast": true]
            })
    }

    /// A value with numbers of seconds in place of Python's durations, and with crontabs as they are written in files.
    private static func readable(_ value: WireValue) -> WireValue {
        switch value {
        case .object(let object): return .object(WireObject(object.map { ($0.key, readable($0.value)) }))
        case .array(let values): return .array(values.map(readable))
        case .string(let text):
            if let seconds = PythonDuration.seconds(text) { return seconds }
            // Python shows <crontab: 0 3 * * * (m/h/dM/MY/d)>.
            let (start, end) = ("<crontab: ", " (m/h/dM/MY/d)>")
            guard text.hasPrefix(start), text.hasSuffix(end) else { return value }
            return .string(String(text.dropFirst(start.count).dropLast(end.count)))
        default: return value
        }
    }

    /// A value with names in place of masks.
    private mutating func fill(_ value: WireValue, named name: String) -> WireValue {
        switch value {
        case .object(let object):
            var filled: WireObject = [:]
            for (key, value) in object { filled[key] = fill(value, named: name + "_" + key) }
            return .object(filled)
        case .array(let values):
            var filled: [WireValue] = []
            for value in values { filled.append(fill(value, named: name)) }
            return .array(filled)
        case .string(var text):
            if text == SettingSecrets.mask { return .string("${\(secret(name))}") }
            while let mask = text.firstRange(of: ":" + SettingSecrets.mask + "@") {
                text.replaceSubrange(mask, with: ":${\(secret(name + "_password"))}@")
            }
            return .string(text)
        default: return value
        }
    }

    /// A new name for a secret.
    private mutating func secret(_ path: String) -> String {
        let scalars = path.uppercased().unicodeScalars.map { scalar -> Unicode.Scalar in
            switch scalar {
            case "A"..."Z", "0"..."9": scalar
            default: "_"
            }
        }
        let name = String(String.UnicodeScalarView(scalars))
        var (unique, count) = (name, 1)
        while secrets.contains(unique) {
            count += 1
            unique = "\(name)_\(count)"
        }
        secrets.append(unique)
        return unique
    }

    // MARK: Lines

    private static func line(_ name: String, _ value: WireValue) -> String {
        let key = SettingNames.all.contains(name) ? name : yaml(.string(name))
        return "\(key): \(yaml(value))"
    }

    /// A value in one line of ASCII.
    private static func yaml(_ value: WireValue) -> String {
        // It came within the limits of messages.
        let bytes = try? WireYAML.encode(value, maximumDepth: 1_100)
        return bytes.map { String(decoding: $0.dropLast(), as: UTF8.self) } ?? "null"
    }

    /// Text that ends no comment.
    private static func comment(_ text: String) -> String {
        text.unicodeScalars.map { scalar in
            (0x20...0x7e).contains(scalar.value) ? String(scalar) : scalar.escaped(asASCII: true)
        }.joined()
    }
}
