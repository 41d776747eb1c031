import Foundation
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// A proxy between clients and a local server that records what each connection's client sends and gets. It can hold replies
/// back until the client has sent more, lose a reply and the connection with it, cut connections, hold back what clients
/// send until long after they have gone, and lead new connections to another server.
final class RecordingProxy: Sendable {
    private let recording: Recording
    private let listener: any Channel

    private init(listener: any Channel, recording: Recording) {
        self.listener = listener
        self.recording = recording
    }

    /// The bytes that clients have sent so far, one element for each connection.
    var sent: [[UInt8]] { recording.connections.withLockedValue { $0.map(\.sent) } }

    /// The bytes that clients have sent and got so far, one element for each connection.
    var exchanged: [Exchange] { recording.connections.withLockedValue { $0 } }

    /// What one connection's client has sent, and what it was sent.
    struct Exchange {
        var sent: [UInt8] = []
        var received: [UInt8] = []
    }

    /// Starts a proxy in front of the server at a URL.
    ///
    /// - Parameters:
    ///   - url: the server.
    ///   - holdsReplies: whether to hold a connection's replies back, while all that its client has sent is this.
    ///   - losesReply: whether to close the connection in place of the server's next bytes, once the server has got
    ///     these bytes of the client's.
    /// - Returns: the proxy and its URL.
    /// - Throws: an error if the URL cannot be read or no port can be bound.
    static func start(
        before url: String, holdsReplies: @escaping @Sendable ([UInt8]) -> Bool = { _ in false },
        losesReply: @escaping @Sendable ([UInt8]) -> Bool = { _ in false }
    ) async throws -> (proxy: RecordingProxy, url: String) {
        guard var components = URLComponents(string: url), let host = components.host, let port = components.port else {
            throw CocoaError(.fileReadInvalidFileName)
        }
        let recording = Recording(port: port)
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { client in
                let number = recording.begin()
                return ClientBootstrap(group: client.eventLoop)
                    .channelInitializer { server in
                        server.eventLoop.makeCompletedFuture {
                            try server.pipeline.syncOperations.addHandler(
                                Replies(to: client) {
                                    holdsReplies(recording.sent(on: number))
                                } late: {
                                    recording.lateAnswers.withLockedValue { $0 += 1 }
                                } record: {
                                    recording.addReply($0, to: number)
                                })
                        }
                    }
                    .connect(host: host, port: recording.port.withLockedValue { $0 })
                    .flatMapThrowing { server in
                        let relay = Relay(to: server) { bytes in
                            recording.add(bytes, to: number)
                            guard let replies = try? server.pipeline.syncOperations.handler(type: Replies.self)
                            else { return }
                            losesReply(Array(bytes)) ? replies.lose() : replies.forward()
                        }
                        recording.relays.withLockedValue { $0.append(NIOLoopBound(relay, eventLoop: client.eventLoop)) }
                        recording.clients.withLockedValue { $0.append(client) }
                        client.closeFuture.whenComplete { _ in
                            recording.clients.withLockedValue { clients in clients.removeAll { $0 === client } }
                        }
                        try client.pipeline.syncOperations.addHandler(relay)
                    }
                    .flatMap { client.setOption(.autoRead, value: true) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        components.host = "127.0.0.1"
        components.port = listener.localAddress?.port
        return (RecordingProxy(listener: listener, recording: recording), components.string ?? "")
    }

    /// Cuts all connections. What clients have sent and the proxy has not read yet is lost.
    ///
    /// - Returns: whether there were any.
    @discardableResult func cut() -> Bool {
        let open = recording.clients.withLockedValue { clients in
            let open = clients.filter(\.isActive)
            // Others are about to become active.
            clients.removeAll { client in open.contains { $0 === client } }
            return open
        }
        for client in open { client.close(promise: nil) }
        return !open.isEmpty
    }

    /// Leads new connections to the server at another URL, as a name does that is given to another server.
    func lead(to url: String) {
        guard let port = URLComponents(string: url)?.port else { return }
        recording.port.withLockedValue { $0 = port }
    }

    /// Holds back what the clients of the present connections send from now on, even if they close them. Replies pass.
    func freeze() { forEachRelay { $0.freeze() } }

    /// Sends the server what was held back.
    func thaw() { forEachRelay { $0.thaw() } }

    /// How often the server has answered a connection whose client had closed it.
    var lateAnswers: Int { recording.lateAnswers.withLockedValue { $0 } }

    private func forEachRelay(_ body: @escaping @Sendable (Relay) -> Void) {
        for relay in recording.relays.withLockedValue({ $0 }) { relay.eventLoop.execute { body(relay.value) } }
    }

    func stop() async throws { try await listener.close() }

    private final class Recording: Sendable {
        /// The server's.
        let port: NIOLockedValueBox<Int>
        let connections = NIOLockedValueBox<[Exchange]>([])
        let relays = NIOLockedValueBox<[NIOLoopBound<Relay>]>([])
        let lateAnswers = NIOLockedValueBox(0)
        /// Clients whose connections were not cut.
        let clients = NIOLockedValueBox<[any Channel]>([])

        init(port: Int) { self.port = NIOLockedValueBox(port) }

        func begin() -> Int {
            connections.withLockedValue { connections in
                connections.append(Exchange())
                return connections.count - 1
            }
        }

        func sent(on number: Int) -> [UInt8] { connections.withLockedValue { $0[number].sent } }

        func add(_ bytes: some Sequence<UInt8>, to number: Int) {
            connections.withLockedValue { $0[number].sent.append(contentsOf: bytes) }
        }

        func addReply(_ bytes: some Sequence<UInt8>, to number: Int) {
            connections.withLockedValue { $0[number].received.append(contentsOf: bytes) }
        }
    }

    /// Forwards one side's bytes to the other.
    private final class Relay: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let other: any Channel
        private let record: (ByteBufferView) -> Void
        /// What is held back; nil while nothing is.
        private var held: ByteBuffer?
        private var isClosed = false

        init(to other: any Channel, record: @escaping (ByteBufferView) -> Void) {
            self.other = other
            self.record = record
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let buffer = unwrapInboundIn(data)
            record(buffer.readableBytesView)
            if held?.writeImmutableBuffer(buffer) == nil { other.writeAndFlush(buffer, promise: nil) }
        }

        func freeze() { held = held ?? ByteBuffer() }

        func thaw() {
            guard let held else { return }
            self.held = nil
            // A client that has gone does not read the answer, but the server must have read all before it is told.
            if held.readableBytes > 0 { return other.writeAndFlush(held, promise: nil) }
            if isClosed { other.close(promise: nil) }
        }

        func channelInactive(context: ChannelHandlerContext) {
            isClosed = true
            if held == nil { other.close(promise: nil) }
        }
    }

    /// Forwards a server's replies, holds them, or loses one.
    private final class Replies: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let client: any Channel
        private let isHolding: () -> Bool
        private var held = ByteBuffer()
        private var isLost = false
        private let late: () -> Void
        private let record: (ByteBufferView) -> Void

        init(
            to client: any Channel, isHolding: @escaping () -> Bool, late: @escaping () -> Void,
            record: @escaping (ByteBufferView) -> Void
        ) {
            self.client = client
            self.isHolding = isHolding
            self.late = late
            self.record = record
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            if isLost { return context.close(promise: nil) }
            if !client.isActive {
                late()
                return context.close(promise: nil)
            }
            held.writeImmutableBuffer(unwrapInboundIn(data))
            forward()
        }

        /// From now on whatever the server sends ends the connection.
        func lose() { isLost = true }

        func forward() {
            guard !isHolding(), held.readableBytes > 0 else { return }
            record(held.readableBytesView)
            client.writeAndFlush(held, promise: nil)
            held = ByteBuffer()
        }

        func channelInactive(context: ChannelHandlerContext) { client.close(promise: nil) }
    }
}
