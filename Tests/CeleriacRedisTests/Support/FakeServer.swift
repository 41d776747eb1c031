#if Redis
import NIOCore
import NIOPosix

/// A server on a free loopback port that answers the first bytes of each connection with given bytes, whatever was
/// asked, and then says nothing more.
final class FakeServer: Sendable {
    private let channel: any Channel

    var port: Int { channel.localAddress?.port ?? 0 }

    /// - Parameters:
    ///   - answer: What is sent when the first bytes have come in.
    ///   - hangsUp: Whether the connection is closed behind the answer.
    static func start(_ answer: [UInt8], hangsUp: Bool = false) async throws -> FakeServer {
        let channel = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Answerer(answer, hangsUp: hangsUp))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return FakeServer(channel: channel)
    }

    private init(channel: any Channel) { self.channel = channel }

    func stop() async throws { try await channel.close() }

    private final class Answerer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private var answer: [UInt8]?
        private let hangsUp: Bool

        init(_ answer: [UInt8], hangsUp: Bool) {
            self.answer = answer
            self.hangsUp = hangsUp
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard let answer = answer.take() else { return }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: answer)), promise: nil)
            if hangsUp { context.close(promise: nil) }
        }
    }
}
#endif
