import CeleriacCore
import Logging
import NIOConcurrencyHelpers

/// The file that a bridge is from, with the sides that were made of it: those that a new file leaves as they are go on.
package final class BridgeSource: Sendable {
    private let sides = NIOLockedValueBox<[String: (settings: BridgeEndSettings, end: BridgeEnd)]>([:])

    /// Makes the source of a bridge that is of no file.
    package init() {}

    /// Makes what a file describes, and takes it for the bridge's file from now on.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` for an address that cannot be used. The file is not taken then.
    func openings(of file: BridgeFile, logger: Logger) throws -> [Bridge.Opening] {
        let known = sides.withLockedValue { $0 }
        var new: [String: (settings: BridgeEndSettings, end: BridgeEnd)] = [:]
        for (name, settings) in file.ends {
            if let side = known[name], side.settings == settings {
                new[name] = side
            } else {
                new[name] = (settings, try settings.end(logger: logger))
            }
        }
        let openings = file.ways.compactMap { way -> Bridge.Opening? in
            guard let source = new[way.from]?.end, let target = new[way.to]?.end else { return nil }
            return (way.route, source, target)
        }
        sides.withLockedValue { [new] in $0 = new }
        return openings
    }

    /// Whether the file has a side.
    func keeps(_ end: BridgeEnd) -> Bool {
        sides.withLockedValue { $0.values.contains { $0.end.client === end.client } }
    }
}
