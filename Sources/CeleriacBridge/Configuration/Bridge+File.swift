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
        let source = BridgeSource()
        let openings = try source.openings(of: file, logger: logger)
        self.init(openings, source: source, isControlled: file.isControlled, logger: logger)
    }

    /// Takes another file in place of the one that it was made of. Routes that are the same in both go on without noticing, the
    /// others end and begin one by one.
    ///
    /// - Returns: what has changed.
    /// - Throws: `CeleriacError` with code `configuration` for an address that cannot be used. Nothing has changed then.
    @discardableResult
    package func reload(_ file: BridgeFile) throws -> BridgeChange {
        change(to: try source.openings(of: file, logger: logger))
    }
}
