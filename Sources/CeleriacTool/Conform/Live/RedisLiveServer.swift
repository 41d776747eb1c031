#if Redis
import CeleriacRedis
import CeleriacWire
import Logging
import NIOConcurrencyHelpers
import NIOPosix

/// A Redis server as the broker or the result store of a live run.
final class RedisLiveServer: LiveBroker, LiveStore {
    private let client: RedisClient
    private let listener: RedisPubSub
    private let database: Int
    /// What was published, by the pattern or the channel that it was heard by.
    private let heard: NIOLockedValueBox<[String: [[UInt8]]]>

    /// Makes a client of a server. It connects on first use.
    ///
    /// - Throws: `RedisError` for a URL that cannot be used.
    init(url: String, logger: Logger) throws {
        let configuration = try RedisConfiguration(url: url)
        let heard = NIOLockedValueBox<[String: [[UInt8]]]>([:])
        self.heard = heard
        database = configuration.database
        client = RedisClient(
            configuration, eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: logger)
        listener = RedisPubSub(
            configuration, eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: logger,
            onMessages: { messages in
                heard.withLockedValue { heard in
                    for message in messages {
                        heard[message.pattern ?? message.channel, default: []].append(message.payload)
                    }
                }
            })
    }

    func close() async {
        await listener.close()
        await client.close()
    }

    // MARK: Store

    func command(_ words: [[UInt8]]) async throws -> WireValue {
        guard let name = words.first else { throw ConformanceError("a command of the case has no words") }
        let arguments = words.dropFirst().map { $0 as any RedisArgument }
        let reply = try await client.send(
            RedisCommand(String(decoding: name, as: UTF8.self), arguments: Array(arguments)))
        return Self.value(reply)
    }

    func subscribe(_ channel: String) async throws { try await listener.subscribe([channel]) }

    func told(_ channel: String) async -> [UInt8]? { next(channel) }

    // MARK: Broker

    func send(_ message: LiveMessage, to queue: String) async throws {
        try await client.send(RedisCommand("LPUSH", queue, try message.envelope(exchange: "", key: queue)))
    }

    func broadcast(_ message: LiveMessage, exchange: String, key: String) async throws {
        let channel = "/\(database).\(exchange)" + (key.isEmpty ? "" : "/\(key)")
        try await client.send(RedisCommand("PUBLISH", channel, try message.envelope(exchange: exchange, key: key)))
    }

    func receive(_ queue: String, first: Bool) async throws -> WireValue? {
        let reply = try await client.send(RedisCommand(first ? "LPOP" : "RPOP", queue))
        return try reply.bytes.map { try LiveView.of($0) }
    }

    func bind(_ queue: String, exchange: String, key: String) async throws {
        let member = [key, "", queue].joined(separator: "\u{06}\u{16}")
        for table in ["_kombu.binding.", "_kombu.binding_permanent."] {
            try await client.send(RedisCommand("SADD", table + exchange, member))
        }
    }

    func listen(to exchange: String) async throws { try await listener.psubscribe([pattern(exchange)]) }

    func hear(_ exchange: String) async throws -> WireValue? { try next(pattern(exchange)).map { try LiveView.of($0) } }

    func clear(_ queues: [String]) async throws {
        for queue in queues {
            for suffix in ["", "\u{06}\u{16}3", "\u{06}\u{16}6", "\u{06}\u{16}9"] {
                try await client.send(RedisCommand("DEL", queue + suffix))
            }
        }
        heard.withLockedValue { $0.removeAll() }
    }

    private func pattern(_ exchange: String) -> String { "/\(database).\(exchange)*" }

    private func next(_ source: String) -> [UInt8]? {
        heard.withLockedValue { heard in
            guard let first = heard[source]?.first else { return nil }
            heard[source]?.removeFirst()
            return first
        }
    }

    private static func value(_ reply: RedisValue) -> WireValue {
        switch reply {
        case .null: .null
        case .integer(let number): .int(number)
        case .status(let text): .string(text)
        case .bulk(let bytes): .string(String(decoding: bytes, as: UTF8.self))
        case .array(let elements): .array(elements.map { value($0) })
        case .error(let error): .string(error.description)
        }
    }
}
#endif
