package import CeleriacCore
import CeleriacQueues
import NIOCore

extension CeleryFilesystemBroker: EventBroker {
    /// Hears events by files. It needs a control folder.
    package func listen(
        to exchange: String, queue: EventQueue, until enough: Gate, hear: @escaping @Sendable (EventNews) -> Void
    ) async throws {
        let controlFolder = try controlFolder("events need")
        let inbox = FilesystemInbox(
            queue.name, boundToTopic: exchange, key: "#", controlFolder: controlFolder, broker: self)
        try await FileStore.blocking { try inbox.open() }
        hear(.listening)
        await inbox.serve(until: enough, on: eventLoopGroup.next()) { hear(.message($0)) }
        await inbox.attempt { try inbox.close() }
    }
}
