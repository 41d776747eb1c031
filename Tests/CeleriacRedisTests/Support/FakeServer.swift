#if Redis
import NIOCore
import NIOPosix

/// A server on a free loopback port. It answers the first bytes of each connection with fixed bytes, whatever the
/// request, and then stays silent.
final class FakeServer: Sendable {
    private let channel: any Channel

    var port: Int { channel.localAddress?.port ?? 0 }

    /// Starts a server that sends `answer` once the first bytes have arrived, and then closes the connection if
    /// `hangsUp` is true.
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
