import CeleriacBridge
import Foundation
import Logging

#if canImport(Glibc)
import Glibc
#endif

/// A bridge (`ChaosBridge FILE`). It is not a part of ChaosWorker, since earlier versions of the package, which
/// Scripts/upgrade builds ChaosWorker with, have no bridge.
@main enum ChaosBridge {
    static func main() async throws {
        var logger = Logger(label: "chaos") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .warning
        guard CommandLine.arguments.count == 2, let path = CommandLine.arguments.last else {
            print("usage: ChaosBridge FILE")
            exit(64)
        }
        let file = try Data(contentsOf: URL(fileURLWithPath: path))
        try await Bridge(yaml: [UInt8](file), logger: logger).launch()
    }
}
