package import CeleriacCore
import CeleriacQueues
package import CeleriacWire
import CeleryWire
package import Logging
package import NIOCore

package import struct FoundationEssentials.Date

/// Celery's queues in a folder, with a file for each message, as kombu's `filesystem` transport keeps them.
///
/// Use it for development without a server. Python workers keep claimed messages in memory only, so a crash loses them,
/// and lose a message that they read while another Python process writes it. A Celeriac worker keeps claimed messages
/// in a folder of its own, from which the next worker puts them back, and waits for the rest of a message. Those that have
/// come back are counted when they begin (``FileAttempts``).
package final class CeleryFilesystemBroker: MessageBroker {
    let options: CeleryFilesystemOptions
    let queues: QueueTable
    let limits: WireLimits
    let eventLoopGroup: any EventLoopGroup
    let logger: Logger

    /// Creates a broker. It makes the folders if they do not exist.
    package init(
        _ options: CeleryFilesystemOptions, queues: QueueTable = QueueTable(), limits: WireLimits = .default,
        eventLoopGroup: any EventLoopGroup, logger: Logger
    ) {
        self.options = options
        self.queues = queues
        self.limits = limits
        self.eventLoopGroup = eventLoopGroup
        self.logger = logger
    }

    /// The folder.
    package var name: String { "filesystem://\(options.dataFolderIn)" }

    // MARK: Messages

    /// Writes each message to a separate file and flushes it to the disk. A message to a named exchange is written for
    /// every queue that is bound to it for the message's routing key.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` for an exchange without a control folder, a type of exchange that
    ///   kombu does not have in folders or a name that cannot be a file's, `publishFailed` if no queue is bound,
    ///   `unavailable` if the disk refuses; ``PartialPublishError`` if some of the messages were taken.
    package func publish(_ messages: [OutgoingMessage]) async throws {
        let folder = options.dataFolderOut
        let files = try messages.map { message in
            let bytes = try KombuEnvelope.encode(message)
            if message.exchange.isEmpty { try FileStore.validateName(message.routingKey) }
            return (message: message, bytes: bytes)
        }
        try await FileStore.blocking {
            try FileStore.makeFolder(folder)
            var refused: [Int: CeleriacError] = [:]
            for (index, file) in files.enumerated() {
                do throws(CeleriacError) {
                    for queue in try self.queues(of: file.message) {
                        try Self.write(file.bytes, queue: queue, folder: folder)
                    }
                } catch {
                    refused[index] = error
                }
            }
            try PartialPublishError.check(refused: refused, of: files.count)
        }
    }

    /// The queues that get a message. Reads the bindings of its exchange.
    private func queues(of message: OutgoingMessage) throws(CeleriacError) -> [String] {
        let exchange = message.exchange
        if queues.needsRabbitMQ, let refusal = queues.virtualRefusal(of: message) { throw refusal }
        if exchange.isEmpty { return [message.routingKey] }
        guard let controlFolder = options.controlFolder else {
            throw CeleriacError(
                .unsupported,
                "cannot publish to the exchange \(exchange) without a control_folder, which has its bindings")
        }
        do {
            try FileStore.validateName(exchange)
            if let queue = message.declaredQueue.flatMap(queues.queue) { try bind(queue) }
            let isFanout = queues.type(ofExchange: exchange) == "fanout"
            let bound = try ExchangeTable(exchange, controlFolder: controlFolder).bindings().filter { binding in
                isFanout
                    || RegularPattern.binding(of: binding.routingKey, binding.pattern, matches: message.routingKey)
            }
            let names = Set(bound.map(\.queue)).sorted()
            guard !names.isEmpty || !message.isMandatory else {
                throw CeleriacError(
                    .publishFailed,
                    "no queue is bound to the exchange \(exchange) for the routing key \(message.routingKey)")
            }
            return names
        } catch let error as CeleriacError {
            throw error
        } catch {
            throw CeleriacError(
                .unavailable, "the bindings of the exchange \(exchange) cannot be read or written", cause: error)
        }
    }

    /// Writes down a queue's bindings, as kombu does; not that of a queue to an exchange of its own name, which nobody
    /// needs.
    func bind(_ queue: TaskQueue) throws {
        for (exchange, binding) in bindings(of: queue) {
            try ExchangeTable(exchange, controlFolder: options.controlFolder ?? "").add(binding)
        }
    }

    /// Takes the bindings back that ``bind(_:)`` has written.
    func unbind(_ queue: TaskQueue) throws {
        for (exchange, binding) in bindings(of: queue) {
            try ExchangeTable(exchange, controlFolder: options.controlFolder ?? "").remove(binding)
        }
    }

    private func bindings(of queue: TaskQueue) -> [(exchange: String, ExchangeTable.Binding)] {
        guard options.controlFolder != nil, queue.isDeclared,
            queue.bindings != [TaskQueue.Binding(TaskQueue.Exchange(queue.name), routingKey: queue.name)]
        else { return [] }
        return queue.bindings.compactMap { binding in
            guard (try? FileStore.validateName(binding.exchange.name)) != nil else { return nil }
            return (
                binding.exchange.name,
                ExchangeTable.Binding(
                    routingKey: binding.routingKey,
                    pattern: binding.exchange.type == "topic" ? TopicPattern.expression(of: binding.routingKey) : "",
                    queue: queue.name)
            )
        }
    }

    /// Writes a message as a new file of its queue, with a count of its beginnings if it has come back.
    static func write(
        _ bytes: [UInt8], queue: String, folder: String, attempts: Int? = nil
    ) throws(CeleriacError) {
        // These are kombu's names, whose alphabetical order is the order of age.
        let name = "\(FileStore.monotonicMilliseconds())_\(randomUUID())"
        // Readers take only files that end in `.msg`.
        let file = FileAttempts.name("\(name).\(queue).msg", counting: attempts)
        try FileStore.write(bytes, to: "\(folder)/\(file)", temporaryName: ".\(name).tmp")
    }

    /// Whether a file is a message of a queue. Everything after its name's first dot names the queue, which may have
    /// dots itself.
    static func isMessage(_ name: String, ofQueue queue: String) -> Bool {
        guard let dot = name.firstIndex(of: ".") else { return false }
        return name[name.index(after: dot)...] == "\(queue).msg"
    }

    /// Begins to consume from queues, which need not exist yet.
    package func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
        try queues.checkVirtual(options.queues)
        let consumer = CeleryFilesystemConsumer(broker: self, options: options)
        try await consumer.start()
        return consumer
    }

    /// Does nothing, because the broker holds no file open.
    package func close() async {}

    // MARK: Remote control

    /// A mailbox that uses files; nil without a control folder, or if the inbox cannot be a file's name.
    package func controlMailbox(for node: String, exchanges: ControlExchanges) -> (any ControlMailbox)? {
        guard let controlFolder = options.controlFolder,
            (try? FileStore.validateName("\(exchanges.inbox).msg")) != nil
        else { return nil }
        return CeleryFilesystemMailbox(broker: self, controlFolder: controlFolder, exchanges: exchanges)
    }

    /// The name of the transport. There is no server to describe.
    package var brokerDescription: BrokerDescription { BrokerDescription(transport: "filesystem") }

    // MARK: Looking after queues

    /// The number of messages that wait in a queue.
    package func depth(of queue: String) async throws -> Int {
        let folder = options.dataFolderIn
        return try await FileStore.blocking { try Self.messages(in: folder, ofQueue: queue).count }
    }

    /// Deletes all messages that wait in a queue.
    package func purge(_ queue: String) async throws -> Int {
        let folder = options.dataFolderIn
        return try await FileStore.blocking {
            let names = try Self.messages(in: folder, ofQueue: queue)
            for name in names { try FileStore.remove("\(folder)/\(name)") }
            return names.count
        }
    }

    private func parked(_ queue: String) throws -> FilesystemParkedMessages {
        try FileStore.validateName(queue)
        return FilesystemParkedMessages(folder: options.dataFolderIn, queue: queue, limits: limits)
    }

    /// Lists messages that were parked from a queue.
    package func parkedMessages(in queue: String, after id: String?, limit: Int) async throws -> [ParkedMessage] {
        let parked = try parked(queue)
        return try await FileStore.blocking { try parked.list(after: id, limit: limit) }
    }

    /// Puts parked messages back at the end of their queue.
    package func requeueParked(_ ids: [String], in queue: String) async throws -> Int {
        let parked = try parked(queue)
        return try await FileStore.blocking { try parked.requeue(ids) }
    }

    /// Deletes parked messages.
    package func dropParked(_ ids: [String], in queue: String) async throws -> Int {
        let parked = try parked(queue)
        return try await FileStore.blocking { try parked.drop(ids) }
    }

    private static func messages(in folder: String, ofQueue queue: String) throws -> [String] {
        guard FileStore.exists(folder) else { return [] }
        return try FileStore.names(in: folder).filter { isMessage($0, ofQueue: queue) }
    }
}

extension CeleryFilesystemBroker: ParkedMessageKeeper {
    /// Drops the oldest parked messages.
    package func trimParked(in queue: String, to policy: ParkingPolicy, now: Date) async throws -> ParkedTrim {
        let parked = try parked(queue)
        return try await FileStore.blocking { try parked.trim(to: policy, now: now) }
    }

    /// Notes that failures are stored.
    package func markTold(_ ids: [String], in queue: String) async throws {
        let parked = try parked(queue)
        try await FileStore.blocking { try parked.markTold(ids) }
    }
}
