public import CeleriacCore
import CeleriacWire
import CeleryWire
public import Logging
public import NIOCore

/// Celery's queues in a folder, one file a message, as kombu's `filesystem` transport keeps them.
///
/// For development without a server. Python's side keeps claimed messages in memory only, so that a crash there loses
/// them; a Celeriac worker keeps them in a folder of its own, from which the next worker puts them back.
public final class CeleryFilesystemBroker: Broker {
    let options: CeleryFilesystemOptions
    let eventLoopGroup: any EventLoopGroup
    let logger: Logger

    /// Makes a broker. The folders are made if they do not exist.
    public init(_ options: CeleryFilesystemOptions, eventLoopGroup: any EventLoopGroup, logger: Logger) {
        self.options = options
        self.eventLoopGroup = eventLoopGroup
        self.logger = logger
    }

    /// The server or folder, without credentials.
    public var name: String { "filesystem://\(options.dataFolderIn)" }

    /// Writes each message to a file of its own and flushes it to the disk.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` for an exchange or a name that cannot be a file's, `unavailable`
    ///   where the disk refuses; ``PartialPublishError`` where it took some.
    public func publish(_ messages: [OutgoingMessage]) async throws {
        let folder = options.dataFolderOut
        let files = try messages.map { message in
            guard message.exchange.isEmpty else {
                throw CeleriacError(
                    .unsupported,
                    "cannot publish to the exchange \(message.exchange): send to a queue by its name instead")
            }
            try FileStore.validateName(message.routingKey)
            let envelope = KombuEnvelope(
                message: message.message, exchange: "", routingKey: message.routingKey,
                deliveryTag: CeleryID.random())
            return (queue: message.routingKey, bytes: try envelope.encode())
        }
        try await FileStore.blocking {
            try FileStore.makeFolder(folder)
            var refused: [Int: CeleriacError] = [:]
            for (index, file) in files.enumerated() {
                do throws(CeleriacError) {
                    try Self.write(file.bytes, queue: file.queue, folder: folder)
                } catch {
                    refused[index] = error
                }
            }
            try PartialPublishError.check(refused: refused, of: files.count)
        }
    }

    /// Writes a message as a new file of its queue.
    static func write(_ bytes: [UInt8], queue: String, folder: String) throws(CeleriacError) {
        let name = "\(FileStore.monotonicMilliseconds())_\(CeleryID.random())"
        // Readers take files that end in `.msg` only.
        try FileStore.write(bytes, to: "\(folder)/\(name).\(queue).msg", temporaryName: ".\(name).tmp")
    }

    /// Begins to consume from queues, which are made where they do not exist.
    public func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
        let consumer = CeleryFilesystemConsumer(broker: self, options: options)
        try await consumer.start()
        return consumer
    }

    /// Closes the connections.
    public func close() async {}
}
