import Logging
import NIOCore
import NIOHTTP1
import NIOPosix

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Listens for health checks of one worker, on a thread that no worker uses: neither can a client hold up a worker, nor a
/// worker that stands still hide that.
final class HealthServer: Sendable {
    /// How much the server bears with.
    struct Limits: Sendable {
        /// How many connections there may be.
        var connections = 32
        /// How many bytes a client may send.
        var requestBytes = 8192
        /// How long a connection may live, busy or idle.
        var lifetime = TimeAmount.seconds(10)
        /// How long the worker's loop may leave a question unanswered.
        var loopPatience = LoopPulse.patience
    }

    /// The thread of all servers. It begins with the first of them, and ends with the process.
    private static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    /// Where the server listens.
    let endpoint: HealthEndpoint
    private let channel: any Channel
    private let connections: HealthConnections
    private let look: RepeatedTask

    private init(
        _ endpoint: HealthEndpoint, channel: any Channel, connections: HealthConnections, look: RepeatedTask
    ) {
        self.endpoint = endpoint
        self.channel = channel
        self.connections = connections
        self.look = look
    }

    /// Begins to listen.
    ///
    /// - Parameters:
    ///   - endpoint: where.
    ///   - health: what is known of the worker.
    ///   - metrics: what `GET /metrics` answers; nil if there is no such path.
    ///   - limits: how much the server bears with.
    ///   - logger: the worker's logger.
    /// - Returns: the server, which has to be closed.
    /// - Throws: ``CeleriacError`` with code `configuration` if it cannot listen there.
    static func start(
        _ endpoint: HealthEndpoint, of health: any HealthSubject, metrics: (any MetricsPage)? = nil,
        limits: Limits = Limits(), logger: Logger
    ) async throws -> HealthServer {
        let eventLoop = group.next()
        let desk = HealthDesk(health, metrics: metrics, loopPatience: limits.loopPatience, on: eventLoop)
        let connections = HealthConnections(limit: limits.connections)
        let bootstrap = ServerBootstrap(group: eventLoop)
            .serverChannelOption(ChannelOptions.backlog, value: 32)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                connections.add(channel)
                return channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(RequestLimit(bytes: limits.requestBytes))
                    try pipeline.addHandler(HTTPResponseEncoder())
                    try pipeline.addHandler(ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)))
                    try pipeline.addHandler(HealthRequestHandler(desk, lifetime: limits.lifetime))
                }
            }
        let channel: any Channel
        do {
            channel = try await bootstrap.bind(host: endpoint.host, port: endpoint.port).get()
        } catch {
            // The system's words say it all; the error has the signature of a function before them.
            let reason = (error as? IOError).map { String(cString: strerror($0.errnoCode)) }
            throw CeleriacError(
                .configuration,
                "cannot listen for health checks at \(endpoint)\(reason.map { " (\($0))" } ?? ""): "
                    + "choose an address of this machine and a port that is free",
                cause: reason == nil ? error : nil)
        }
        let look = eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: .seconds(1)) { _ in desk.look() }
        let place = HealthEndpoint(host: endpoint.host, port: channel.localAddress?.port ?? endpoint.port)
        logger.info("health checks are answered", metadata: ["url": "http://\(place)/ready"])
        return HealthServer(place, channel: channel, connections: connections, look: look)
    }

    /// How many connections there are.
    var connectionCount: Int { connections.count }

    /// Ends all connections, and waits until nobody listens any more.
    func close() async {
        look.cancel()
        try? await channel.close()
        connections.close()
    }
}
