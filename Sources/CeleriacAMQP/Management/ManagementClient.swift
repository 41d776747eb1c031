#if AMQP
package import CeleriacWire
package import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL

/// Asks RabbitMQ's management API, which tells over HTTP what AMQP does not: bindings, and what consumers hold.
///
/// Each question has a connection of its own, and one bound of time for all of it.
package struct ManagementClient: Sendable {
    /// How large an answer may be, in bytes.
    private static let largestAnswer = 64 << 20

    /// Where the API listens.
    package let address: ManagementAddress
    private let eventLoopGroup: any EventLoopGroup
    private let timeout: Duration

    /// Makes a client, which connects when it is asked.
    ///
    /// - Parameters:
    ///   - address: where the API listens.
    ///   - timeout: how long a question may take.
    ///   - eventLoopGroup: where connections run.
    package init(_ address: ManagementAddress, timeout: Duration, eventLoopGroup: any EventLoopGroup) {
        self.address = address
        self.timeout = timeout
        self.eventLoopGroup = eventLoopGroup
    }

    /// Asks for what is below `/api`.
    ///
    /// - Parameter path: the parts of the path, of which names are escaped here.
    /// - Returns: the answer.
    /// - Throws: `AMQPError`: `connectFailed`, `tls`, `timeout`, `authenticationFailed`, `connectionClosedByServer` for an
    ///   answer other than 200, `protocolViolation` for one that is not JSON.
    package func get(_ path: String...) async throws(AMQPError) -> WireValue {
        let uri = address.prefix + "/api/" + path.map { ManagementAddress.escaped($0) }.joined(separator: "/")
        let answer: HTTPAnswer
        do {
            answer = try await exchange(uri)
        } catch {
            throw error as? AMQPError
                ?? AMQPError(.connectFailed, "The management API at \(address) cannot be reached.", cause: error)
        }
        switch answer.status {
        case 200: break
        case 401, 403:
            throw AMQPError(
                .authenticationFailed,
                "The management API at \(address) refuses the user: it needs the tag management, and its password.")
        default:
            throw AMQPError(
                .connectionClosedByServer, "The management API at \(address) answered \(answer.status) to \(uri).")
        }
        do {
            return try WireJSON.decode(answer.body)
        } catch {
            throw AMQPError(
                .protocolViolation, "The management API at \(address) did not answer in JSON.", cause: error)
        }
    }

    private func exchange(_ uri: String) async throws -> HTTPAnswer {
        let context: NIOSSLContext?
        if let settings = address.tls {
            do {
                context = try NIOSSLContext(configuration: AMQPConnection.tlsConfiguration(settings))
            } catch {
                throw AMQPError(.tls, "A certificate or key file cannot be read; check the paths.", cause: error)
            }
        } else {
            context = nil
        }
        let serverName = address.tls?.serverName ?? AMQPConnection.serverName(address.host)
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: uri, headers: headers)
        let eventLoop = eventLoopGroup.next()
        let promise = eventLoop.makePromise(of: HTTPAnswer.self)
        let deadline = eventLoop.scheduleTask(in: TimeAmount(timeout)) { [address, timeout] in
            promise.fail(AMQPError(.timeout, "The management API at \(address) did not answer within \(timeout)."))
        }
        ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(timeout))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let context {
                        try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: serverName))
                    }
                    try pipeline.addHTTPClientHandlers()
                    try pipeline.addHandler(HTTPExchange(head, limit: Self.largestAnswer, promise: promise))
                }
            }
            .connect(host: address.host, port: address.port)
            .whenComplete { result in
                switch result {
                // However it ends, the connection goes with the question.
                case .success(let channel): promise.futureResult.whenComplete { _ in channel.close(promise: nil) }
                case .failure(let error): promise.fail(error)
                }
            }
        defer { deadline.cancel() }
        return try await promise.futureResult.get()
    }

    private var headers: HTTPHeaders {
        let login: String = Base64.encode(Array("\(address.user):\(address.password)".utf8))
        return HTTPHeaders([
            ("host", "\(address.host):\(address.port)"), ("authorization", "Basic \(login)"),
            ("accept", "application/json"), ("connection", "close"),
        ])
    }
}

/// The answer to a request.
struct HTTPAnswer: Sendable {
    var status = 0
    var body: [UInt8] = []
}

/// Sends one request and collects its answer.
private final class HTTPExchange: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let head: HTTPRequestHead
    private let limit: Int
    private let promise: EventLoopPromise<HTTPAnswer>
    private var answer = HTTPAnswer()

    init(_ head: HTTPRequestHead, limit: Int, promise: EventLoopPromise<HTTPAnswer>) {
        self.head = head
        self.limit = limit
        self.promise = promise
    }

    func channelActive(context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): answer.status = Int(head.status.code)
        case .body(let buffer):
            guard answer.body.count + buffer.readableBytes <= limit else {
                promise.fail(AMQPError(.protocolViolation, "The answer of the management API is too large."))
                return context.close(promise: nil)
            }
            answer.body += buffer.readableBytesView
        case .end: promise.succeed(answer)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        promise.fail(AMQPError(.connectionLost, "The management API closed the connection without an answer."))
        context.fireChannelInactive()
    }
}
#endif
