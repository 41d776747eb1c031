package import CeleriacWire
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// A TCP connection on the loopback interface over which a test sends what it likes.
package final class RawConnection: Sendable {
    private let channel: any Channel
    private let received: NIOLockedValueBox<[UInt8]>

    private init(channel: any Channel, received: NIOLockedValueBox<[UInt8]>) {
        self.channel = channel
        self.received = received
    }

    /// Connects.
    package static func open(port: Int) async throws -> RawConnection {
        let received = NIOLockedValueBox<[UInt8]>([])
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Collector(received))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return RawConnection(channel: channel, received: received)
    }

    /// Whether the server has not hung up.
    package var isOpen: Bool { channel.isActive }

    /// Sends text.
    package func send(_ text: String) async throws { try await channel.writeAndFlush(ByteBuffer(string: text)) }

    /// Waits until the server hangs up, or the connection breaks.
    ///
    /// - Returns: what the server has sent.
    package func end() async -> [UInt8] {
        try? await channel.closeFuture.get()
        return received.withLockedValue { $0 }
    }

    /// Hangs up.
    package func close() async { try? await channel.close() }

    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let received: NIOLockedValueBox<[UInt8]>

        init(_ received: NIOLockedValueBox<[UInt8]>) { self.received = received }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let buffer = unwrapInboundIn(data)
            received.withLockedValue { $0 += buffer.readableBytesView }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}

/// What an HTTP server has answered.
package struct HTTPReply: Sendable {
    /// The bytes are no answer.
    package struct Malformed: Error {
        package let text: String
    }

    package let status: Int
    /// The status line and the headers.
    package let head: String
    package let body: String

    /// Reads an answer that ends with its connection.
    package init(_ bytes: [UInt8]) throws(Malformed) {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.firstRange(of: "\r\n\r\n"), text.hasPrefix("HTTP/1.1 "),
            let status = Int(text.dropFirst(9).prefix(3))
        else { throw Malformed(text: text) }
        self.status = status
        head = String(text[..<end.lowerBound])
        body = String(text[end.upperBound...])
    }

    /// Asks a server of this machine.
    package static func of(_ method: String = "GET", _ path: String, port: Int) async throws -> HTTPReply {
        let connection = try await RawConnection.open(port: port)
        try await connection.send("\(method) \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return try HTTPReply(await connection.end())
    }

    /// The body as JSON; null if it is none.
    package var json: WireValue { (try? WireJSON.decode(Array(body.utf8))) ?? .null }

    /// The reasons of a health check.
    package var reasons: [String] { (json["reasons"]?.arrayValue ?? []).compactMap(\.stringValue) }
}
