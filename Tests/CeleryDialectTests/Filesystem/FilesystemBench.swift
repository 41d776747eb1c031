import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import CeleryDialect
import Foundation
import Logging
import NIOPosix

/// A folder with Celery's messages, and consumers that read it.
struct FilesystemBench {
    let folder: TemporaryFolder
    let broker: CeleryFilesystemBroker

    init(logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) throws {
        folder = try TemporaryFolder("files")
        broker = CeleryFilesystemBroker(
            CeleryFilesystemOptions(folder: folder.path), eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: logger)
    }

    func consume() async throws -> any MessageConsumer {
        try await broker.consume(ConsumerOptions(queues: ["celery"], prefetch: 10, nodeName: "w@h"))
    }

    func publish(_ body: String = "[[], {}, {}]") async throws {
        try await broker.publish([OutgoingMessage(message: WireMessage(body: Array(body.utf8)), routingKey: "celery")])
    }

    /// The names in a subfolder, except hidden ones.
    func names(in folder: String = "") throws -> [String] {
        let path = "\(self.folder.path)/\(folder)"
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        return try FileManager.default.contentsOfDirectory(atPath: path).filter { !$0.hasPrefix(".") }.sorted()
    }

    func path(_ name: String) -> String { "\(folder.path)/\(name)" }
}
