import CeleriacCore
import CeleriacQueues
import CeleriacWire
import NIOCore

/// Remote control and events through files: each message is copied for every queue that an exchange's table names.
final class CeleryFilesystemMailbox: ControlMailbox {
    private let broker: CeleryFilesystemBroker
    private let controlFolder: String
    private let exchanges: ControlExchanges
    private let inbox: FilesystemInbox

    init(broker: CeleryFilesystemBroker, controlFolder: String, exchanges: ControlExchanges) {
        self.broker = broker
        self.controlFolder = controlFolder
        self.exchanges = exchanges
        self.inbox = FilesystemInbox(
            exchanges, boundTo: exchanges.requests, controlFolder: controlFolder, broker: broker)
    }

    func run(
        until stopping: Gate, onOpen: @escaping @Sendable () -> Void,
        receive: @escaping @Sendable (Result<WireMessage, MessageFault>) -> Void
    ) async {
        await inbox.attempt { [inbox] in try inbox.open() }
        onOpen()
        await inbox.serve(until: stopping, on: broker.eventLoopGroup.next(), receive: receive)
        await inbox.attempt { [inbox] in try inbox.close() }
    }

    func publish(_ messages: [OutgoingMessage]) async throws {
        try await broker.publish(messages, directExchange: exchanges.replies, controlFolder: controlFolder)
    }

    func close() async {}
}
