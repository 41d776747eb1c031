package import CeleriacCore
import CeleriacWire

/// Settings that cannot be read, or not be followed, and why.
package struct SettingRefusal: Sendable {
    /// Their names.
    package let names: [String]
    /// The reason, whose message begins with the place where they stand.
    package let error: CeleriacError

    /// All that is refused in layers, of which reading stops at the first.
    package static func all(
        over own: CelerySettings = CelerySettings(), layers: [SettingsLayer]
    ) -> [SettingRefusal] {
        var refusals: [SettingRefusal] = []
        var settings = own
        for setting in CelerySettings.table {
            let before = settings
            do throws(CeleriacError) {
                try setting.apply(layers, to: &settings)
            } catch {
                settings = before
                refusals.append(SettingRefusal(names: guilty(of: setting, layers, over: before), error: error))
            }
        }
        for layer in layers {
            for (name, value) in layer.values {
                do throws(CeleriacError) {
                    try SettingNames.check(name, value, in: layer.place)
                } catch {
                    refusals.append(SettingRefusal(names: [name], error: error))
                }
            }
        }
        return refusals
    }

    /// Those names of a row that are refused without the others, or all of them that are there.
    private static func guilty(
        of setting: Setting, _ layers: [SettingsLayer], over own: CelerySettings
    ) -> [String] {
        let there = setting.names.filter { name in layers.contains { $0.values[name] != nil } }
        let refused = there.filter { name in
            let alone = layers.map { layer in
                SettingsLayer(place: layer.place, layer.values.filter { $0.key == name })
            }
            var settings = own
            do throws(CeleriacError) {
                try setting.apply(alone, to: &settings)
                return false
            } catch {
                return true
            }
        }
        return refused.isEmpty ? there : refused
    }
}
