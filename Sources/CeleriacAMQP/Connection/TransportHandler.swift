#if AMQP

internal import NIOCore

/// Hands what happens on a socket to the connection, whose executor is the event loop that this runs on.
///
/// While connecting, a host with several addresses can have several sockets; the connection listens to one of them.
final class TransportHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let connection: AMQPConnection

    init(_ connection: AMQPConnection) {
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let channel = context.channel
        let buffer = unwrapInboundIn(data)
        connection.assumeIsolated { $0.received(buffer, on: channel) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        connection.assumeIsolated { $0.readEnded() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        let channel = context.channel
        connection.assumeIsolated { $0.transportClosed(channel) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let channel = context.channel
        connection.assumeIsolated { $0.transportFailed(error, channel) }
    }
}

#endif
