import CeleriacCore
import FoundationEssentials
package import Logging
import NIOConcurrencyHelpers

/// Reads the file of a running bridge again, when it is told to or when the file has changed. A file that cannot be used
/// leaves the bridge as it is.
package final class BridgeReloader: Sendable {
    private let bridge: Bridge
    private let path: String
    private let environment: [String: String]
    private let logger: Logger
    /// The file as it was last seen, good or bad: a bad one is told of once.
    private let seen: NIOLockedValueBox<[UInt8]>

    /// Makes a reloader.
    ///
    /// - Parameters:
    ///   - bridge: the bridge.
    ///   - path: the path of its file.
    ///   - bytes: the file as it was when the bridge was made.
    ///   - environment: what `${NAME}` in an address stands for.
    ///   - logger: where it says what has become of a file.
    package init(
        _ bridge: Bridge, path: String, bytes: [UInt8], environment: [String: String], logger: Logger
    ) {
        self.bridge = bridge
        self.path = path
        self.environment = environment
        self.logger = logger
        seen = NIOLockedValueBox(bytes)
    }

    /// Reads the file again if it has changed.
    ///
    /// - Returns: what has changed in the bridge; nil if nothing was read, or the file cannot be used.
    @discardableResult
    package func look() -> BridgeChange? {
        guard let bytes = try? [UInt8](Data(contentsOf: URL(filePath: path))) else { return nil }
        let isNew = seen.withLockedValue { seen in
            defer { seen = bytes }
            return seen != bytes
        }
        return isNew ? take(bytes) : nil
    }

    /// Reads the file again, whether it has changed or not: files of secrets may have.
    ///
    /// - Returns: what has changed in the bridge; nil if the file cannot be used.
    @discardableResult
    package func reload() -> BridgeChange? {
        do {
            let bytes = try [UInt8](Data(contentsOf: URL(filePath: path)))
            seen.withLockedValue { $0 = bytes }
            return take(bytes)
        } catch {
            refuse("it cannot be read")
            return nil
        }
    }

    private func take(_ bytes: [UInt8]) -> BridgeChange? {
        do {
            let change = try bridge.reload(BridgeFile(yaml: bytes, environment: environment))
            logger.notice(
                "the bridge has another file",
                metadata: [
                    "kept": "\(change.kept.joined(separator: ", "))",
                    "opened": "\(change.opened.joined(separator: ", "))",
                    "closed": "\(change.closed.joined(separator: ", "))",
                ])
            return change
        } catch {
            refuse((error as? CeleriacError)?.message ?? "\(error)")
            return nil
        }
    }

    private func refuse(_ reason: String) {
        logger.error(
            "the bridge's file cannot be used: the bridge goes on with what it has",
            metadata: ["path": "\(path)", "reason": "\(reason)"])
    }
}
