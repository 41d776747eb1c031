package import CeleriacCore
import CeleriacWire
import CeleryDialect

/// Settings that cannot be read, or not be followed, and why.
package struct SettingRefusal: Sendable {
    /// Their names.
    package let names: [String]
    /// The reason.
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
        if let refusal = ofOtherBrokers(settings, layers) { refusals.append(refusal) }
        return refusals
    }

    /// What an application refuses before it connects: settings that only connections to RabbitMQ follow.
    private static func ofOtherBrokers(_ settings: CelerySettings, _ layers: [SettingsLayer]) -> SettingRefusal? {
        guard let broker = settings.broker, CeleryTransportFactory.isBuiltIn(broker),
            !CeleryTransportFactory.isRabbitMQ(broker),
            let name = settings.configuration.amqp.connections.settingOfRabbitMQ(besides: broker)
        else { return nil }
        // Either of two URLs makes the other one.
        let names = name == "broker_read_url" ? [name, "broker_write_url"] : [name]
        let there = names.filter { name in layers.contains { $0.values[name]?.isNull == false } }
        guard !there.isEmpty else { return nil }
        let message = "\(there.joined(separator: " and ")) can only be followed for RabbitMQ"
        return SettingRefusal(names: there, error: CeleriacError(.configuration, message))
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
