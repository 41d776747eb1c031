import CeleriacCore
import CeleriacQueues
import CeleriacWire
import CeleryWire
import Logging
import NIOCore

/// Remote control and events through files: each message is copied for every queue that an exchange's table names.
final class CeleryFilesystemMailbox: ControlMailbox {
    private let folder: String
    private let outgoing: String
    private let controlFolder: String
    private let exchanges: ControlExchanges
    private let eventLoop: any EventLoop
    private let timers: EventLoopTimerSource
    private let logger: Logger

    init(broker: CeleryFilesystemBroker, controlFolder: String, exchanges: ControlExchanges) {
        self.folder = broker.options.dataFolderIn
        self.outgoing = broker.options.dataFolderOut
        self.controlFolder = controlFolder
        self.exchanges = exchanges
        self.eventLoop = broker.eventLoopGroup.next()
        self.timers = EventLoopTimerSource(eventLoop: eventLoop)
        self.logger = broker.logger
    }

    private var binding: ExchangeTable.Binding {
        ExchangeTable.Binding(routingKey: "", pattern: "", queue: exchanges.inbox)
    }

    func run(until stopping: Gate, receive: @escaping @Sendable (Result<WireMessage, MessageFault>) -> Void) async {
        // Requests that the last worker of this name left unread are not for this one.
        await attempt { _ = try self.take(isLeftover: true) }
        await attempt {
            try ExchangeTable(self.exchanges.requests, controlFolder: self.controlFolder).add(self.binding)
        }
        let changes = Lane<Void>()
        let watch = await DirectoryWatch.start(folder, eventLoop: eventLoop) { changes.put(()) }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                while !(await changes.take()).isEmpty {
                    await self.attempt { for message in try self.take() { receive(message) } }
                }
            }
            changes.put(())
            await stopping.wait()
            watch.stop()
            changes.close()
        }
        await attempt {
            try ExchangeTable(self.exchanges.requests, controlFolder: self.controlFolder).remove(self.binding)
        }
        await attempt { _ = try self.take(isLeftover: true) }
    }

    private func attempt(_ body: @escaping @Sendable () throws -> Void) async {
        do {
            try await FileStore.blocking(body)
        } catch {
            logger.warning("remote control: a file operation failed", metadata: ["error": "\(error)"])
        }
    }

    /// Takes the node's messages from the folder. If `isLeftover` is set, it removes them unread.
    private func take(isLeftover: Bool = false) throws -> [Result<WireMessage, MessageFault>] {
        var messages: [Result<WireMessage, MessageFault>] = []
        for name in try FileStore.names(in: folder)
        where CeleryFilesystemBroker.isMessage(name, ofQueue: exchanges.inbox) {
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
        let message = Result { () throws(CeleryWireError) in try KombuEnvelope.decode(payload).message }
        // Python writes in place, so a file that cannot be read yet may be half written. The watch reports its
        // completion too.
        if case .failure = message, FileStore.age(of: path).map({ 0..<5 ~= $0 }) ?? false { return nil }
        try FileStore.remove(path)
        return message.mapError { MessageFault($0) }
    }

    func publish(_ messages: [OutgoingMessage]) async throws {
        let (outgoing, controlFolder, exchanges) = (outgoing, controlFolder, exchanges)
        try await FileStore.blocking {
            for message in messages {
                for binding in try ExchangeTable(message.exchange, controlFolder: controlFolder).bindings() {
                    let isTopic = message.exchange != exchanges.replies
                    guard Self.matches(binding, message.routingKey, isTopic: isTopic) else { continue }
                    try FileStore.validateName(binding.queue)
                    // Each copy gets its own tag, because the tag is the key of a claimed message.
                    let envelope = KombuEnvelope(
                        message: message.message, exchange: message.exchange, routingKey: message.routingKey,
                        deliveryTag: randomUUID())
                    try CeleryFilesystemBroker.write(try envelope.encode(), queue: binding.queue, folder: outgoing)
                }
            }
        }
    }

    private static func matches(_ binding: ExchangeTable.Binding, _ routingKey: String, isTopic: Bool) -> Bool {
        RegularPattern.binding(of: binding.routingKey, isTopic ? binding.pattern : "", matches: routingKey)
    }

    func close() async {}
}
