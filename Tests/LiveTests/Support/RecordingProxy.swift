import Foundation
import NIOCore
import NIOPosix
import Synchronization

/// A proxy between clients and a local server that records what each connection's client sends.
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
    /// - Returns: the proxy and its URL.
    static func start(before url: String) async throws -> (proxy: RecordingProxy, url: String) {
        guard var components = URLComponents(string: url), let host = components.host, let port = components.port else {
            throw CocoaError(.fileReadInvalidFileName)
        }
        let recording = Recording()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { client in
                let number = recording.begin()
                return ClientBootstrap(group: client.eventLoop)
                    .channelInitializer { server in
                        server.eventLoop.makeCompletedFuture {
                            try server.pipeline.syncOperations.addHandler(Relay(to: client))
                        }
                    }
                    .connect(host: host, port: port)
                    .flatMapThrowing { server in
                        try client.pipeline.syncOperations.addHandler(
                            Relay(to: server) { recording.add($0, to: number) })
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

    /// Forwards one side's bytes to the other.
    private final class Relay: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let other: any Channel
        private let record: (ByteBufferView) -> Void

        init(to other: any Channel, record: @escaping (ByteBufferView) -> Void = { _ in }) {
            self.other = other
            self.record = record
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let buffer = unwrapInboundIn(data)
            record(buffer.readableBytesView)
            other.writeAndFlush(buffer, promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }
    }
}
