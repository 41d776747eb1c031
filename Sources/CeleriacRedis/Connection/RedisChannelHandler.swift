#if Redis
internal import NIOCore
internal import NIOSSL

/// The end of a channel's pipeline: turns bytes into replies, and collects what is written in one turn of the event
/// loop into one write.
final class RedisChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// A buffer that has grown past this size is not kept for the next write, in bytes.
    private static let keptCapacity = 256 * 1024
    /// A batch that would make a collected write larger than this begins a new one, in bytes.
    private static let maximumWrite = 64 * 1024 * 1024

    private let decoder: RedisReplyDecoder
    private var context: ChannelHandlerContext?
    private var outbound = ByteBuffer()
    private var flushIsScheduled = false
    private var closeReason: RedisError?
    /// Whether the connection has ended.
    var isClosed: Bool { closeReason != nil }
    private var receiver: (any RedisReplyReceiver)?
    /// What came before there was a receiver.
    private var early = ByteBuffer()

    init(maximumReplyBytes: Int) throws(RedisError) {
        decoder = try RedisReplyDecoder(maximumReplyBytes: maximumReplyBytes)
    }

    /// Sets who takes the replies from now on. It is let go when the connection ends.
    func attach(_ receiver: any RedisReplyReceiver) {
        if let closeReason {
            receiver.connectionClosed(closeReason)
            return
        }
        self.receiver = receiver
        guard early.readableBytes > 0 else { return }
        let bytes = early
        early = ByteBuffer()
        read(bytes)
        self.receiver?.receiveComplete()
    }

    /// Appends to what is written at the end of this turn.
    ///
    /// - Parameters:
    ///   - size: An upper bound of what `fill` writes.
    ///   - fill: Writes it.
    func write(size: Int, _ fill: (inout ByteBuffer) -> Void) {
        guard let context, closeReason == nil else { return }
        if outbound.readableBytes > 0, outbound.readableBytes + size > Self.maximumWrite { flush() }
        outbound.reserveCapacity(minimumWritableBytes: size)
        fill(&outbound)
        guard !flushIsScheduled else { return }
        flushIsScheduled = true
        context.eventLoop.assumeIsolated().execute { self.flush() }
    }

    private func flush() {
        flushIsScheduled = false
        guard let context, closeReason == nil, outbound.readableBytes > 0 else { return }
        context.writeAndFlush(wrapOutboundOut(outbound), promise: nil)
        if outbound.capacity > Self.keptCapacity {
            outbound = ByteBuffer()
        } else {
            // Takes a new buffer where the channel still holds this one.
            outbound.clear()
        }
    }

    /// Closes the connection and tells the receiver why, unless it was told before.
    func close(_ error: RedisError) {
        guard closeReason == nil else { return }
        closeReason = error
        let receiver = receiver.take()
        outbound = ByteBuffer()
        context?.close(mode: .all, promise: nil)
        receiver?.connectionClosed(error)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        close(RedisError(.connectionLost, "The connection was taken apart."))
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard closeReason == nil else { return }
        var bytes = unwrapInboundIn(data)
        if receiver == nil {
            early.writeBuffer(&bytes)
        } else {
            read(bytes)
        }
    }

    private func read(_ bytes: ByteBuffer) {
        do {
            try bytes.withUnsafeReadableBytes { bytes throws(RedisError) in
                try decoder.decode(bytes) { reply throws(RedisError) in
                    // Without a receiver the connection was closed while these bytes were read.
                    try receiver?.receive(reply)
                }
            }
        } catch {
            close(error)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        receiver?.receiveComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        close(RedisError(.connectionLost, "The server ended the connection."))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        close(RedisError(transport: error, code: .connectionLost, "The connection to the server broke."))
    }
}

extension RedisError {
    /// Wraps an error of the network layers, with a code of its own where it comes from TLS.
    init(transport error: any Error, code: Code, _ message: String) {
        switch error {
        case let error as RedisError:
            self = error
        case NIOSSLError.uncleanShutdown:
            // What a server that was killed leaves behind.
            self.init(code, message, cause: error)
        case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError:
            self.init(
                .tls,
                "TLS with the server failed: check its certificate's authority, validity and host name, and whether it "
                    + "asks for a client certificate.", cause: error)
        case ChannelError.connectTimeout:
            self.init(.timeout, "The server did not accept the connection in time.", cause: error)
        default:
            self.init(code, message, cause: error)
        }
    }
}

/// Who takes the replies of a connection: its pipeline of requests, or its subscriptions. Called on the event loop.
protocol RedisReplyReceiver: AnyObject {
    /// Takes a reply. An error closes the connection.
    func receive(_ reply: RedisValue) throws(RedisError)

    /// Says that all replies that have come in were received.
    func receiveComplete()

    /// Says, once, that the connection is gone.
    func connectionClosed(_ error: RedisError)
}
#endif
