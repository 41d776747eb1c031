package import CeleriacCore
import CeleriacQueues
package import CeleriacWire
import CeleryWire
import NIOCore

extension CeleryFilesystemBroker {
    /// Broadcasts by files. It needs a control folder.
    package func broadcast(
        _ request: OutgoingMessage, exchanges: ControlExchanges, until enough: Gate,
        sent: @escaping @Sendable () -> Void,
        receive: @escaping @Sendable (Result<WireMessage, MessageFault>) -> Void
    ) async throws {
        let controlFolder = try controlFolder("remote control needs")
        try FileStore.validateName("\(exchanges.requests).exchange")
        let publish = { [self] in
            try await self.publish([request], directExchange: exchanges.replies, controlFolder: controlFolder)
            sent()
        }
        guard let replyKey = exchanges.replyKey else { return try await publish() }
        let inbox = FilesystemInbox(
            exchanges, boundTo: exchanges.replies, routingKey: replyKey, controlFolder: controlFolder, broker: self)
        try await FileStore.blocking { try inbox.open() }
        let result: Result<Void, any Error>
        do {
            try await publish()
            await inbox.serve(until: enough, on: eventLoopGroup.next(), receive: receive)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await inbox.attempt { try inbox.close() }
        try result.get()
    }

    /// Writes messages for every queue that the table of their exchange names.
    func publish(_ messages: [OutgoingMessage], directExchange: String, controlFolder: String) async throws {
        let outgoing = options.dataFolderOut
        try await FileStore.blocking {
            try FileStore.makeFolder(outgoing)
            for message in messages {
                for binding in try ExchangeTable(message.exchange, controlFolder: controlFolder).bindings() {
                    // A direct exchange compares keys, a topic exchange patterns.
                    let pattern = message.exchange == directExchange ? "" : binding.pattern
                    guard RegularPattern.binding(of: binding.routingKey, pattern, matches: message.routingKey) else {
                        continue
                    }
                    try FileStore.validateName(binding.queue)
                    // Each copy gets its own tag, because the tag is the key of a claimed message.
                    let envelope = KombuEnvelope(
                        message: message.message, exchange: message.exchange, routingKey: message.routingKey,
                        deliveryTag: randomUUID())
                    try Self.write(try envelope.encode(), queue: binding.queue, folder: outgoing)
                }
            }
        }
    }
}
