import NIOCore
import NIOPosix

/// A server on the loopback interface that takes connections and never says anything.
package final class SilentServer: Sendable {
    /// Its port.
    package let port: Int
    private let listener: any Channel

    private init(port: Int, listener: any Channel) {
        self.port = port
        self.listener = listener
    }

    /// Starts a server on a free port.
    package static func start() async throws -> SilentServer {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        guard let port = listener.localAddress?.port else { throw ChannelError.unknownLocalAddress }
        return SilentServer(port: port, listener: listener)
    }

    /// Takes no more connections.
    package func stop() async { try? await listener.close() }
}
