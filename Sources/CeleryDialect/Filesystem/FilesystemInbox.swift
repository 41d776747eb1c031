import CeleriacCore
import CeleriacQueues
import CeleriacWire
import CeleryWire
import Logging
import NIOCore

/// The queue of remote control of a worker or a client in a folder. It exists between ``open()`` and ``close()``.
struct FilesystemInbox: Sendable {
    private let folder: String
    private let queue: String
    private let table: ExchangeTable
    private let binding: ExchangeTable.Binding
    private let limits: WireLimits
    private let logger: Logger

    /// Makes an inbox that an exchange fills.
    init(
        _ exchanges: ControlExchanges, boundTo exchange: String, routingKey: String = "", controlFolder: String,
        broker: CeleryFilesystemBroker
    ) {
        self.init(
            exchanges.inbox, boundTo: exchange, routingKey: routingKey, pattern: "", controlFolder: controlFolder,
            broker: broker)
    }

    /// Makes an inbox that a topic exchange fills by a key of its kind.
    init(
        _ queue: String, boundToTopic exchange: String, key: String, controlFolder: String,
        broker: CeleryFilesystemBroker
    ) {
        self.init(
            queue, boundTo: exchange, routingKey: key, pattern: TopicPattern.expression(of: key),
            controlFolder: controlFolder, broker: broker)
    }

    private init(
        _ queue: String, boundTo exchange: String, routingKey: String, pattern: String, controlFolder: String,
        broker: CeleryFilesystemBroker
    ) {
        folder = broker.options.dataFolderIn
        self.queue = queue
        table = ExchangeTable(exchange, controlFolder: controlFolder)
        binding = ExchangeTable.Binding(routingKey: routingKey, pattern: pattern, queue: queue)
        limits = broker.limits
        logger = broker.logger
    }

    /// Adds the binding. Messages that an earlier owner of this name left unread are not for this one.
    func open() throws {
        try FileStore.makeFolder(folder)
        _ = try take(isLeftover: true)
        try table.add(binding)
    }

    /// Removes the binding and what nobody reads any more.
    func close() throws {
        try table.remove(binding)
        _ = try take(isLeftover: true)
    }

    /// Passes on messages until `stopping` opens.
    func serve(
        until stopping: Gate, on eventLoop: any EventLoop,
        receive: @escaping @Sendable (Result<WireMessage, MessageFault>) -> Void
    ) async {
        let changes = Lane<Void>()
        let watch = await DirectoryWatch.start(folder, eventLoop: eventLoop) { changes.put(()) }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                while !(await changes.take()).isEmpty {
                    await attempt { for message in try take() { receive(message) } }
                }
            }
            changes.put(())
            await stopping.wait()
            watch.stop()
            changes.close()
        }
    }

    /// Does something with files, also for a cancelled task; a failure is only logged.
    func attempt(_ body: @escaping @Sendable () throws -> Void) async {
        // The thread pool does nothing for a task that is cancelled.
        await Task { [logger] in
            do {
                try await FileStore.blocking(body)
            } catch {
                logger.warning("remote control: a file operation failed", metadata: ["error": "\(error)"])
            }
        }.value
    }

    /// Takes the queue's messages from the folder. If `isLeftover` is set, it removes them unread.
    private func take(isLeftover: Bool = false) throws -> [Result<WireMessage, MessageFault>] {
        var messages: [Result<WireMessage, MessageFault>] = []
        for name in try FileStore.names(in: folder) where CeleryFilesystemBroker.isMessage(name, ofQueue: queue) {
            // A message that cannot be read must not hold up the others.
            do {
                if let message = try take("\(folder)/\(name)", isLeftover: isLeftover) { messages.append(message) }
            } catch {
                logger.warning("remote control: skipping a message", metadata: ["error": "\(error)"])
            }
        }
        return messages
    }

    private func take(_ path: String, isLeftover: Bool) throws(CeleriacError) -> Result<WireMessage, MessageFault>? {
        guard !isLeftover, let payload = try FileStore.read(path) else {
            try FileStore.remove(path)
            return nil
        }
        let message = Result { () throws(CeleryWireError) in try KombuEnvelope.decode(payload, limits: limits).message }
        // Python writes in place, so a file that cannot be read yet may be half written. The watch reports its
        // completion too.
        if case .failure = message, FileStore.age(of: path).map({ 0..<5 ~= $0 }) ?? false { return nil }
        try FileStore.remove(path)
        return message.mapError { MessageFault($0) }
    }
}
