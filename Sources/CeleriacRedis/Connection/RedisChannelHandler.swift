#if Redis
internal import NIOCore
internal import NIOSSL

/// The end of a channel's pipeline: decodes bytes into replies, and collects everything written in one turn of the
/// event loop into one write.
final class RedisChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// A buffer that has grown beyond this size, in bytes, is not kept for the next write.
    private static let keptCapacity = 256 * 1024
    /// The largest collected write, in bytes. A batch that would exceed it starts a new write.
    private static let maximumWrite = 64 * 1024 * 1024

    private let decoder: RedisReplyDecoder
    private var context: ChannelHandlerContext?
    private var outbound = ByteBuffer()
    private var flushIsScheduled = false
    private var closeReason: RedisError?
    /// Whether the connection has ended.
    var isClosed: Bool { closeReason != nil }
    private var receiver: (any RedisReplyReceiver)?
    /// Bytes that arrived before there was a receiver.
    private var early = ByteBuffer()

    init(maximumReplyBytes: Int) throws(RedisError) {
        decoder = try RedisReplyDecoder(maximumReplyBytes: maximumReplyBytes)
    }

    /// Sets the receiver of all replies from now on. The handler releases it when the connection ends.
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

    /// Appends bytes to the write at the end of this turn.
    ///
    /// - Parameters:
    ///   - size: An upper bound for the bytes that `fill` writes.
    ///   - fill: Writes the bytes.
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
            // This takes a new buffer if the channel still holds the current one.
            outbound.clear()
        }
    }

    /// Closes the connection and tells the receiver why, unless the receiver already knows.
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
        close(RedisError(.connectionLost, "The channel's pipeline was removed."))
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
                    // If the receiver is gone, the connection was closed while these bytes were being read.
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
        close(RedisError(.connectionLost, "The server closed the connection."))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        close(RedisError(transport: error, code: .connectionLost, "The connection to the server broke."))
    }
}

extension RedisError {
    /// Wraps an error of the network layers, with its own code if it comes from TLS.
    init(transport error: any Error, code: Code, _ message: String) {
        switch error {
        case let error as RedisError:
            self = error
        case NIOSSLError.uncleanShutdown:
            // A server that was killed leaves this behind.
            self.init(code, message, cause: error)
        case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError:
            self.init(
                .tls,
                "TLS with the server failed. Check its certificate's authority, validity and host name, and whether it "
                    + "asks for a client certificate.", cause: error)
        case ChannelError.connectTimeout:
            self.init(.timeout, "The server did not accept the connection in time.", cause: error)
        default:
            self.init(code, message, cause: error)
        }
    }
}

/// Receives the replies of a connection: its request pipeline or its subscriptions. Called on the event loop.
protocol RedisReplyReceiver: AnyObject {
    /// Receives a reply. A thrown error closes the connection.
    func receive(_ reply: RedisValue) throws(RedisError)

    /// Marks the end of the replies that one read brought.
    func receiveComplete()

    /// Reports, once, that the connection has ended.
    func connectionClosed(_ error: RedisError)
}
#endif
