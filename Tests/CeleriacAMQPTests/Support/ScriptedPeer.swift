#if AMQP

import Logging
import NIOCore
import NIOPosix
import NIOSSL

@testable import CeleriacAMQP

/// A broker that follows a test's script, for situations that a real broker does not create on demand.
final class ScriptedPeer: Sendable {
    /// A frame from the client; `method` is its class and method id.
    struct Received: Sendable, Equatable {
        var kind: FrameKind
        var channel: Int
        var method: MethodID?
        var payload: [UInt8]
    }

    /// Answers a frame. `nil` leaves it to the peer, which can do the handshake and open and close channels.
    typealias Script = @Sendable (Received) -> [UInt8]?

    let received = Inbox<Received>()
    private let clients = Inbox<any Channel>()
    private let server: any Channel

    private init(server: any Channel) {
        self.server = server
    }

    /// Starts a peer on a free port. It offers `heartbeat` seconds in `connection.tune`, encrypts if `tls` gives it a
    /// certificate, and asks `script` first about each frame.
    static func start(
        heartbeat: Int = 0, tls: NIOSSLContext? = nil, script: @escaping Script = { _ in nil }
    ) async throws -> ScriptedPeer {
        let box = Inbox<ScriptedPeer>()
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeFutureWithTask {
                    let peer = await box.next()
                    if let peer { box.put(peer) }
                    return peer
                }.flatMapThrowing { peer in
                    guard let peer else { return }
                    peer.clients.put(channel)
                    if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                    try channel.pipeline.syncOperations.addHandler(
                        Handler(peer: peer, heartbeat: heartbeat, script: script))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let peer = ScriptedPeer(server: server)
        box.put(peer)
        return peer
    }

    var port: Int { server.localAddress?.port ?? 0 }

    func configuration(_ change: (inout AMQPConfiguration) -> Void = { _ in }) -> AMQPConfiguration {
        var configuration = AMQPConfiguration(host: "127.0.0.1", port: port)
        change(&configuration)
        return configuration
    }

    func connect(_ change: (inout AMQPConfiguration) -> Void = { _ in }) async throws -> AMQPConnection {
        try await AMQPConnection.connect(
            configuration(change), on: MultiThreadedEventLoopGroup.singleton.next(),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    /// The connection of the next client.
    func client() async -> (any Channel)? { await clients.next() }

    /// Waits for a method.
    func next(_ method: MethodID) async -> Received? {
        await received.next { $0.method == method ? $0 : nil }
    }

    func stop() async {
        try? await server.close()
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let peer: ScriptedPeer
        private let heartbeat: Int
        private let script: Script
        private let splitter = FrameSplitter(maximumFrameSize: 1 << 20)
        private var input: [UInt8] = []
        private var sawHeader = false

        init(peer: ScriptedPeer, heartbeat: Int, script: @escaping Script) {
            self.peer = peer
            self.heartbeat = heartbeat
            self.script = script
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            input += Array(unwrapInboundIn(data).readableBytesView)
            if !sawHeader, input.count >= 8 {
                sawHeader = true
                input.removeFirst(8)
                let start = Received(kind: .method, channel: 0, method: nil, payload: Handshake.protocolHeader)
                answer(start, context)
            }
            while sawHeader {
                let frame = input.withUnsafeBytes { bytes in
                    (try? splitter.firstFrame(in: bytes)).flatMap { frame in
                        frame.map { ($0.kind, Int($0.channel), Array($0.payload), $0.size) }
                    }
                }
                guard let (kind, channel, payload, size) = frame else { break }
                input.removeFirst(size)
                var method: MethodID?
                if kind == .method {
                    method = MethodID(rawValue: payload.prefix(4).reduce(0) { $0 << 8 | UInt32($1) })
                }
                let received = Received(kind: kind, channel: channel, method: method, payload: payload)
                peer.received.put(received)
                answer(received, context)
            }
        }

        private func answer(_ frame: Received, _ context: ChannelHandlerContext) {
            guard let bytes = script(frame) ?? usual(frame), !bytes.isEmpty else { return }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
        }

        private func usual(_ frame: Received) -> [UInt8]? {
            let channel = frame.channel
            switch frame.method {
            case nil where frame.payload == Handshake.protocolHeader:
                return Bytes.method(
                    10, 10, [0, 9] + Bytes.table([]) + Bytes.long("PLAIN EXTERNAL") + Bytes.long("en_US"))
            case .connectionStartOk:
                return Bytes.method(10, 30, Bytes.u16(0) + Bytes.u32(131_072) + Bytes.u16(heartbeat))
            case .connectionOpen: return Bytes.method(10, 41, [0])
            case .connectionClose: return Bytes.method(10, 51)
            case .channelOpen: return Bytes.method(20, 11, channel: channel, Bytes.u32(0))
            case .channelClose: return Bytes.method(20, 41, channel: channel)
            case .confirmSelect: return Bytes.method(85, 11, channel: channel)
            default: return nil
            }
        }
    }
}

extension Channel {
    /// Sends bytes to the client.
    func send(_ bytes: [UInt8]) async throws {
        try await writeAndFlush(ByteBuffer(bytes: bytes))
    }
}

#endif
