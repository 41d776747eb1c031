#if Redis
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// A server on a free loopback port that answers each command as a test says, and remembers what it was asked.
final class ScriptedServer: Sendable {
    /// Makes the reply to a command, in its wire form; nil for silence.
    typealias Script = @Sendable (String) -> String?

    private let channel: any Channel
    private let asked: NIOLockedValueBox<[String]>

    var port: Int { channel.localAddress?.port ?? 0 }

    /// All commands so far, their words joined by spaces.
    var commands: [String] { asked.withLockedValue { $0 } }

    static func start(_ script: @escaping Script) async throws -> ScriptedServer {
        let asked = NIOLockedValueBox<[String]>([])
        let channel = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        Answerer { command in
                            asked.withLockedValue { $0.append(command) }
                            return script(command)
                        })
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return ScriptedServer(channel: channel, asked: asked)
    }

    private init(channel: any Channel, asked: NIOLockedValueBox<[String]>) {
        self.channel = channel
        self.asked = asked
    }

    func stop() async throws { try await channel.close() }

    private final class Answerer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let script: Script
        private var received = ""

        init(_ script: @escaping Script) { self.script = script }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            received += String(buffer: unwrapInboundIn(data))
            while let command = takeCommand() {
                guard let reply = script(command) else { continue }
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: reply)), promise: nil)
            }
        }

        /// Takes an array of bulk strings, which no test's command has line ends in.
        private func takeCommand() -> String? {
            let lines = received.split(separator: "\r\n", omittingEmptySubsequences: false)
            guard let head = lines.first, let count = Int(head.dropFirst()), lines.count > 1 + 2 * count else {
                return nil
            }
            received = lines[(1 + 2 * count)...].joined(separator: "\r\n")
            return (0..<count).map { String(lines[2 + 2 * $0]) }.joined(separator: " ")
        }
    }
}
#endif
