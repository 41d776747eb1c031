import CeleriacCore
import CeleriacWire
import CeleryDialect

/// A row of the table of settings: Celery's names, and what they do.
struct Setting: Sendable {
    typealias Read = @Sendable (inout SettingsSection, inout CelerySettings) throws(CeleriacError) -> Void

    /// The settings that ``read`` takes from a section: usually one, several where they only make sense together.
    let names: [String]
    /// Reads what is there of the settings, which is at least one of them.
    let read: Read

    init(_ names: String..., read: @escaping Read) { self.init(names: names, read: read) }

    init(names: [String], read: @escaping Read) {
        self.names = names
        self.read = read
    }

    /// Reads what layers say of these settings; does nothing if that is nothing.
    func apply(_ layers: [SettingsLayer], to settings: inout CelerySettings) throws(CeleriacError) {
        var (values, place): (WireObject, String) = ([:], "")
        for layer in layers {
            for name in names {
                guard let value = layer.values[name] else { continue }
                (values[name], place) = (value, layer.place)
            }
        }
        if values.isEmpty { return }
        var section = SettingsSection(.object(values), place)
        try read(&section, &settings)
    }

    static func text(_ name: String, _ target: any WritableKeyPath<CelerySettings, String?> & Sendable) -> Setting {
        Setting(name) { section, settings throws(CeleriacError) in
            if let text = try section.text(name) { settings[keyPath: target] = text }
        }
    }

    static func flag(_ name: String, _ target: any WritableKeyPath<CelerySettings, Bool> & Sendable) -> Setting {
        Setting(name) { section, settings throws(CeleriacError) in
            if let flag = try section.flag(name) { settings[keyPath: target] = flag }
        }
    }
}
