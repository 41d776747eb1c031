import Foundation
import NIOCore
import NIOPosix
import Synchronization

/// A proxy between clients and a local server that records what each connection's client sends. It can lose a reply,
/// and the connection with it.
final class RecordingProxy: Sendable {
    private let recording: Recording
    private let listener: any Channel

    private init(listener: any Channel, recording: Recording) {
        self.listener = listener
        self.recording = recording
    }

    /// The bytes that clients have sent so far, one element for each connection.
    var sent: [[UInt8]] { recording.connections.withLock { $0 } }

    /// Starts a proxy in front of the server at a URL.
    ///
    /// - Parameters:
    ///   - url: the server.
    ///   - losesReply: whether to close the connection in place of the server's next bytes, once the server has got
    ///     these bytes of the client's.
    /// - Returns: the proxy and its URL.
    /// - Throws: an error if the URL cannot be read or no port can be bound.
    static func start(
        before url: String, losesReply: @escaping @Sendable ([UInt8]) -> Bool = { _ in false }
    ) async throws -> (proxy: RecordingProxy, url: String) {
        guard var components = URLComponents(string: url), let host = components.host, let port = components.port else {
            throw CocoaError(.fileReadInvalidFileName)
        }
        let recording = Recording()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { client in
                let number = recording.begin()
                let link = Link()
                return ClientBootstrap(group: client.eventLoop)
                    .channelInitializer { server in
                        server.eventLoop.makeCompletedFuture {
                            try server.pipeline.syncOperations.addHandler(
                                Relay(to: client) { _ in !link.isLost.load(ordering: .relaxed) })
                        }
                    }
                    .connect(host: host, port: port)
                    .flatMapThrowing { server in
                        try client.pipeline.syncOperations.addHandler(
                            Relay(to: server) { bytes in
                                recording.add(bytes, to: number)
                                if losesReply(Array(bytes)) { link.isLost.store(true, ordering: .relaxed) }
                                return true
                            })
                    }
                    .flatMap { client.setOption(.autoRead, value: true) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        components.host = "127.0.0.1"
        components.port = listener.localAddress?.port
        return (RecordingProxy(listener: listener, recording: recording), components.string ?? "")
    }

    func stop() async throws { try await listener.close() }

    private final class Recording: Sendable {
        let connections = Mutex<[[UInt8]]>([])

        func begin() -> Int {
            connections.withLock { connections in
                connections.append([])
                return connections.count - 1
            }
        }

        func add(_ bytes: some Sequence<UInt8>, to number: Int) {
            connections.withLock { $0[number].append(contentsOf: bytes) }
        }
    }

    private final class Link: Sendable {
        let isLost = Atomic(false)
    }

    /// Forwards one side's bytes to the other.
    private final class Relay: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let other: any Channel
        /// Whether to forward these bytes; if not, the connection ends.
        private let forwards: (ByteBufferView) -> Bool

        init(to other: any Channel, forwards: @escaping (ByteBufferView) -> Bool) {
            self.other = other
            self.forwards = forwards
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let buffer = unwrapInboundIn(data)
            guard forwards(buffer.readableBytesView) else { return context.close(promise: nil) }
            other.writeAndFlush(buffer, promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }
    }
}
