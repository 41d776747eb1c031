import CeleriacCore
public import Logging

extension Bridge {
    /// Makes a bridge as a file describes it. It connects when it runs.
    ///
    /// - Parameters:
    ///   - yaml: the file, in YAML.
    ///   - environment: the variables that `${NAME}` in an address stands for.
    ///   - logger: the bridge's logger. Neither addresses with logins nor bodies of messages come into it.
    /// - Throws: `CeleriacError` with code `configuration`, which names the place in the file.
    public convenience init(
        yaml: [UInt8], environment: [String: String] = [:], logger: Logger = Logger(label: "celeriac.bridge")
    ) throws {
        try self.init(BridgeFile(yaml: yaml, environment: environment), logger: logger)
    }

    /// Makes a bridge of a file that was read.
    ///
    /// - Throws: `CeleriacError` with code `configuration` for an address that cannot be used.
    package convenience init(_ file: BridgeFile, logger: Logger) throws {
        var ends: [String: BridgeEnd] = [:]
        for (name, settings) in file.ends { ends[name] = try settings.end(logger: logger) }
        let routes = file.ways.compactMap { way -> (route: BridgeRoute, source: BridgeEnd, target: BridgeEnd)? in
            guard let source = ends[way.from], let target = ends[way.to] else { return nil }
            return (way.route, source, target)
        }
        self.init(routes, logger: logger)
    }
}
