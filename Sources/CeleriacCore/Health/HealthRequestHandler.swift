import CeleriacWire
import NIOCore
import NIOHTTP1

/// Answers the first request of a connection, and then waits until the client hangs up. A connection lives only so long,
/// whatever the client does.
final class HealthRequestHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart

    private let desk: HealthDesk
    private let lifetime: TimeAmount
    private var deadline: Scheduled<Void>?
    /// Whether the connection has had its answer, or will have it.
    private var isAnswered = false

    init(_ desk: HealthDesk, lifetime: TimeAmount) {
        self.desk = desk
        self.lifetime = lifetime
    }

    func channelActive(context: ChannelHandlerContext) {
        let channel = context.channel
        deadline = context.eventLoop.scheduleTask(in: lifetime) { channel.close(promise: nil) }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(let head) = unwrapInboundIn(data), !isAnswered else { return }
        isAnswered = true
        answer(head, on: context.channel)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let status: HTTPResponseStatus? =
            switch error {
            case is RequestLimit.Exceeded: .requestHeaderFieldsTooLarge
            case is HTTPParserError: .badRequest
            default: nil
            }
        guard let status, !isAnswered else { return context.close(promise: nil) }
        isAnswered = true
        // What else such a client sends is not read.
        HealthResponse(refusing: status, "this is no request that a health check makes")
            .send(on: context.channel, thenClose: .all)
    }

    private func answer(_ head: HTTPRequestHead, on channel: any Channel) {
        let path = String(head.uri.prefix { $0 != "?" })
        let isHead = head.method == .HEAD
        let question = HealthReport.Question.allCases.first { path == "/" + $0.rawValue }
        let metrics = path == "/metrics" ? desk.metrics : nil
        guard question != nil || metrics != nil else {
            let paths = desk.metrics == nil ? "/live and /ready" : "/live, /ready and /metrics"
            return HealthResponse(refusing: .notFound, "there are \(paths)", isHead: isHead).send(on: channel)
        }
        guard isHead || head.method == .GET else {
            return HealthResponse(refusing: .methodNotAllowed, "the methods are GET and HEAD").send(on: channel)
        }
        if let metrics { return HealthResponse(metrics, isHead: isHead).send(on: channel) }
        guard let question else { return }
        Task(executorPreference: desk.executor) { [desk] in
            let report = await desk.report(on: question)
            HealthResponse(report, isHead: isHead).send(on: channel)
        }
    }
}

/// What a client is answered.
private struct HealthResponse {
    let status: HTTPResponseStatus
    let body: [UInt8]
    var contentType = "application/json"
    /// Whether the body is only described.
    let isHead: Bool

    init(_ report: HealthReport, isHead: Bool) {
        status = report.isGood ? .ok : .serviceUnavailable
        body = report.json
        self.isHead = isHead
    }

    init(_ metrics: any MetricsPage, isHead: Bool) {
        status = .ok
        body = Array(metrics.text().utf8)
        contentType = metrics.contentType
        self.isHead = isHead
    }

    init(refusing status: HTTPResponseStatus, _ text: String, isHead: Bool = false) {
        self.status = status
        body = HealthReport.json(["error": .string(text)])
        self.isHead = isHead
    }

    /// Sends it, and ends the connection. With `output`, the client has time to read it before it hangs up.
    func send(on channel: any Channel, thenClose mode: CloseMode = .output) {
        var headers = HTTPHeaders([
            ("Content-Type", contentType), ("Content-Length", "\(body.count)"), ("Cache-Control", "no-store"),
            ("Connection", "close"),
        ])
        if status == .methodNotAllowed { headers.add(name: "Allow", value: "GET, HEAD") }
        let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
        channel.write(HTTPServerResponsePart.head(head), promise: nil)
        if !isHead {
            channel.write(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: body))), promise: nil)
        }
        channel.writeAndFlush(HTTPServerResponsePart.end(nil)).whenComplete { _ in
            channel.close(mode: mode, promise: nil)
        }
    }
}
