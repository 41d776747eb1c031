public import CeleriacCore
package import CeleriacWire

extension MachineryConfiguration {
    /// Reads a configuration from the environment, by Machinery's names: `BROKER`, `DEFAULT_QUEUE`, `AMQP_EXCHANGE`, ….
    /// What has no effect here is told in the log of the server.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration`, which names the variable that cannot be read or followed.
    public init(environment: [String: String]) throws(CeleriacError) {
        var loaded = LoadedConfiguration()
        for setting in MachinerySetting.all {
            guard let variable = setting.variable else { continue }
            // Go's loader takes the name behind that of its block first, as in AMQP_AMQP_EXCHANGE.
            let nested = setting.block.isEmpty ? nil : environment["\(setting.block.uppercased())_\(variable)"]
            guard let text = nested ?? environment[variable] else { continue }
            let value = ConfigurationValue(value: .string(text), name: variable, source: "the environment")
            try setting.read(value, into: &loaded)
        }
        self = loaded.finished
    }

    /// Reads a configuration from YAML, by Machinery's names: `broker`, `default_queue`, `amqp: exchange`, …. Unlike
    /// Machinery it reads more than the first thousand bytes. What has no effect here, or is unknown, is told in the log
    /// of the server.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` if the content is not YAML, or a setting cannot be read or
    ///   followed.
    public init(yaml: [UInt8]) throws(CeleriacError) {
        let document: WireValue
        do {
            document = try WireYAML.decode(yaml)
        } catch {
            throw CeleriacError(.configuration, "the configuration is not YAML", cause: error)
        }
        var loaded = LoadedConfiguration()
        try loaded.read(document)
        self = loaded.finished
    }

    /// Reads settings that stand in another file, under their names in YAML.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` if one is unknown, or cannot be read or followed.
    package init(settings: WireObject) throws(CeleriacError) {
        var loaded = LoadedConfiguration(isStrict: true)
        try loaded.read(.object(settings))
        self = loaded.finished
    }
}

/// A configuration that is being read. It begins with the values that Machinery's loaders assume.
struct LoadedConfiguration {
    var configuration = MachineryConfiguration(
        broker: "amqp://guest:guest@localhost:5672/", resultBackend: "amqp://guest:guest@localhost:5672/")
    var amqp = MachineryAMQPOptions()
    /// Whether an unknown key is an error.
    var isStrict = false

    /// The configuration, once everything is read.
    var finished: MachineryConfiguration {
        var options = amqp
        options.defaultQueue = configuration.defaultQueue
        var finished = configuration
        finished.amqp = options
        return finished
    }

    /// Reads a document of YAML, or a block of it.
    mutating func read(_ value: WireValue, block: String = "") throws(CeleriacError) {
        // An empty document or block sets nothing.
        if value.isNull { return }
        let source = block.isEmpty ? "the configuration" : "the configuration's \(block)"
        guard let given = value.objectValue else {
            throw CeleriacError(.configuration, "\(source) is not a list of keys with values")
        }
        let settings = MachinerySetting.all
        for (name, value) in given where !value.isNull {
            if let setting = settings.first(where: { $0.block == block && $0.name == name }) {
                try setting.read(ConfigurationValue(value: value, name: name, source: source), into: &self)
            } else if block.isEmpty, settings.contains(where: { $0.block == name }) {
                try read(value, block: name)
            } else {
                if isStrict { throw CeleriacError(.configuration, "\(source) has the unknown key '\(name)'") }
                configuration.notices.append("\(source) has the unknown key '\(name)', which sets nothing")
            }
        }
    }
}
