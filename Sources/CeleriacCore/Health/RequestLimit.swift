import NIOCore

/// Lets through only so many bytes of a connection.
final class RequestLimit: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// More has come.
    struct Exceeded: Error {}

    private var bytesLeft: Int

    init(bytes: Int) { bytesLeft = bytes }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let count = unwrapInboundIn(data).readableBytes
        guard bytesLeft >= 0 else { return }
        bytesLeft -= count
        if bytesLeft < 0 { context.fireErrorCaught(Exceeded()) } else { context.fireChannelRead(data) }
    }
}
