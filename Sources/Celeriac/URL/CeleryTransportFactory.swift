import CeleriacCore
import CeleriacWire
import CeleryDialect
import Logging
import NIOCore

#if AMQP
import CeleriacAMQP
#endif
#if Redis
import CeleriacRedis
#endif

/// Makes brokers, result stores and locks from URLs: the one place that knows what each scheme means.
struct CeleryTransportFactory {
    let configuration: CeleryConfiguration
    /// The queues that the application knows.
    var queues = QueueTable()
    let eventLoopGroup: any EventLoopGroup
    let logger: Logger
    /// The user's own transports, which take precedence over the built-in ones. Of two with one scheme the first
    /// counts.
    var transports: [CeleryTransport] = []

    /// The schemes that ``broker(url:)`` and ``results(url:brokerURL:)`` know by themselves, whatever the traits.
    private static let builtInSchemes = redisSchemes.union([
        "amqp", "amqps", "pyamqp", "rpc", "filesystem", "file", "memory", "cache+memory",
        "disabled",
    ])
    private static let redisSchemes: Set<String> = [
        "redis", "rediss", "redis+socket", "valkey", "valkeys", "sentinel",
    ]
    private static let redisNames = redisSchemes.sorted().joined(separator: ", ")

    /// Whether a URL is not left to a user's own transport.
    static func isBuiltIn(_ url: String) -> Bool {
        ConnectionURL.splitScheme(url).map { builtInSchemes.contains($0.scheme) } ?? true
    }

    /// Whether a URL leads to RabbitMQ.
    static func isRabbitMQ(_ url: String) -> Bool {
        ConnectionURL.splitScheme(url).map { ["amqp", "amqps", "pyamqp"].contains($0.scheme) } ?? false
    }

    /// Whether a URL leads to Redis.
    static func isRedis(_ url: String) -> Bool {
        ConnectionURL.splitScheme(url).map { redisSchemes.contains($0.scheme) } ?? false
    }

    /// Whether a URL leads to a broker without connections.
    static func isConnectionless(_ url: String) -> Bool {
        ConnectionURL.splitScheme(url).map { ["filesystem", "memory"].contains($0.scheme) } ?? false
    }

    /// Whether URLs lead to several servers of Redis, and to no sentinels that would know which of them is the primary.
    static func hasSeveralRedisServers(_ urls: String) -> Bool {
        isRedis(urls) && ConnectionURL.splitScheme(urls)?.scheme != "sentinel"
            && urls.split(separator: ";").dropFirst().contains { $0.contains("://") }
    }

    /// What is wrong with them, as it ends a sentence. Each connection of a worker would find a server of its own, and what
    /// one has taken, another would settle elsewhere.
    static let severalRedisServers =
        "several Redis URLs, but one is used: only those of sentinels and of RabbitMQ are tried in turn"

    /// Whether a URL of a result store says that there is none: Celery's `disabled://`.
    static func isDisabled(_ url: String) -> Bool {
        url == "disabled" || ConnectionURL.splitScheme(url)?.scheme == "disabled"
    }

    func broker(url: String) throws(CeleriacError) -> any MessageBroker {
        if let make = transports.lazy.compactMap({ $0.brokers[scheme(url)] }).first {
            return try own(url, brokerURL: url, configuration.brokerTransportOptions, make)
        }
        try refuseSettingsOfRabbitMQ(url)
        switch scheme(url) {
        #if Redis
        case _ where Self.isRedis(url):
            return CeleryRedisBroker(
                try redis(url, for: .broker), options: configuration.redis, queues: queues,
                limits: configuration.limits, eventLoopGroup: eventLoopGroup, logger: logger)
        #endif
        #if AMQP
        case "amqp", "amqps", "pyamqp":
            let reading = try configuration.amqp.connections.readURL.map { url throws(CeleriacError) in
                try amqp(url)
            }
            return CeleryAMQPBroker(
                try amqp(url), reading: reading, options: configuration.amqp, queues: queues,
                eventLoopGroup: eventLoopGroup, logger: logger)
        #endif
        case "filesystem":
            let folder = path(url)
            let control = configuration.filesystem?.controlFolder
            guard
                let options = folder.isEmpty
                    ? configuration.filesystem : CeleryFilesystemOptions(folder: folder, controlFolder: control)
            else {
                throw CeleriacError(
                    .configuration, "filesystem:// names no folder: write filesystem:///folder, or set `filesystem`")
            }
            return CeleryFilesystemBroker(
                options, queues: queues, limits: configuration.limits, eventLoopGroup: eventLoopGroup, logger: logger)
        case "memory":
            return MemoryBroker()
        default:
            throw unknown(url, "broker", "\(Self.redisNames), amqp, amqps, filesystem or memory")
        }
    }

    func results(url: String, brokerURL: String) throws(CeleriacError) -> any ResultStore {
        if let make = transports.lazy.compactMap({ $0.results[scheme(url)] }).first {
            return try own(url, brokerURL: brokerURL, configuration.resultTransportOptions, make)
        }
        switch scheme(url) {
        #if Redis
        case _ where Self.isRedis(url):
            var options = SettingsSection(
                .object(configuration.resultTransportOptions), "result_backend_transport_options")
            return CeleryRedisResults(
                try redis(url, for: .results), keyPrefix: configuration.resultKeyPrefix,
                serializer: configuration.resultSerializer, chordExpiry: configuration.chordExpiry,
                ordersChordParts: try options.flag("result_chord_ordered") ?? true,
                eventLoopGroup: eventLoopGroup, logger: logger)
        #endif
        #if AMQP
        case "rpc":
            guard ["amqp", "amqps", "pyamqp"].contains(scheme(brokerURL)) else {
                throw CeleriacError(
                    .configuration, "rpc:// results need RabbitMQ as the broker: use redis:// or file://")
            }
            return CeleryRPCResults(
                try amqp(brokerURL), content: configuration.resultContent(compresses: false),
                isPersistent: configuration.resultPersistent, lifetime: configuration.resultLifetime,
                eventLoopGroup: eventLoopGroup, logger: logger)
        #endif
        case "file":
            return CeleryFileResults(
                folder: path(url), serializer: configuration.resultSerializer, limits: configuration.limits,
                eventLoopGroup: eventLoopGroup)
        case "memory", "cache+memory":
            return MemoryResultStore()
        default:
            throw unknown(url, "result store", "\(Self.redisNames), rpc, file or memory")
        }
    }

    func lock(url: String, key: String, lease: Duration) throws(CeleriacError) -> any DistributedLock {
        switch scheme(url) {
        #if Redis
        case _ where Self.isRedis(url):
            return RedisLock(
                try redis(url, for: .lock), key: key, lease: lease, eventLoopGroup: eventLoopGroup, logger: logger)
        #endif
        default:
            throw unknown(url, "lock", Self.redisNames)
        }
    }

    private func own<Made>(
        _ url: String, brokerURL: String, _ options: WireObject, _ make: (CeleryTransport.Context) throws -> Made
    ) throws(CeleriacError) -> Made {
        do {
            return try make(
                CeleryTransport.Context(
                    url: url, brokerURL: brokerURL, options: options, configuration: configuration,
                    eventLoopGroup: eventLoopGroup, logger: logger))
        } catch let error as CeleriacError {
            throw error
        } catch {
            throw CeleriacError(.configuration, "the \(scheme(url)) URL cannot be used", cause: error)
        }
    }

    /// Refuses what only connections to RabbitMQ follow, in the settings of another broker.
    private func refuseSettingsOfRabbitMQ(_ url: String) throws(CeleriacError) {
        guard !["amqp", "amqps", "pyamqp"].contains(scheme(url)),
            let name = configuration.amqp.connections.settingOfRabbitMQ(besides: url)
        else { return }
        // Either of two URLs makes the other one.
        let named = name == "broker_read_url" ? "broker_read_url or broker_write_url" : name
        throw CeleriacError(
            .configuration,
            "the settings have \(named), which can only be followed for RabbitMQ: leave it out"
                + " (for TLS at Redis, write rediss:// and its options in the URL)")
    }

    private func scheme(_ url: String) -> String {
        // Celery takes the name alone of the one store that has nothing more to say.
        ConnectionURL.splitScheme(url)?.scheme ?? (url == "rpc" ? url : "")
    }

    private func path(_ url: String) -> String {
        ConnectionURL.splitScheme(url).map { String($0.rest) } ?? ""
    }

    /// The error for an unknown scheme. It does not show the URL, which may hold a password.
    private func unknown(_ url: String, _ kind: String, _ known: String) -> CeleriacError {
        if scheme(url).isEmpty {
            return CeleriacError(
                .configuration,
                "the URL of the \(kind) has no scheme: write it with one of \(known), as in redis://host:6379/0")
        }
        return CeleriacError(
            .configuration,
            "the scheme '\(scheme(url))' names no \(kind) of this build: use \(known)"
                + " (AMQP and Redis need the package traits of these names), or pass its CeleryTransport")
    }

    #if Redis
    /// Whose options a connection takes. A lock takes those of the broker.
    private enum RedisUse {
        case broker
        case results
        case lock
    }

    private func redis(_ url: String, for use: RedisUse) throws(CeleriacError) -> RedisConfiguration {
        if Self.hasSeveralRedisServers(url) {
            throw CeleriacError(.configuration, "there are \(Self.severalRedisServers)")
        }
        var options: RedisConnectionOptions
        var section: SettingsSection
        switch use {
        case .broker, .lock:
            options = configuration.brokerConnections
            section = SettingsSection(.object(configuration.brokerTransportOptions), "broker_transport_options")
        case .results:
            options = configuration.resultConnections
            section = SettingsSection(
                .object(configuration.resultTransportOptions), "result_backend_transport_options")
        }
        try options.read(&section)
        do {
            var server = try options.server(url: url)
            server.credentials = configuration.redisCredentials
            server.clusterRule = clusterRule(for: use)
            return server
        } catch {
            throw CeleriacError(.configuration, "the Redis URL cannot be used", cause: error)
        }
    }

    /// Whether the keys can lie in a cluster. Celery's steps use several of them at once, which is why all must be in one
    /// slot. A lock has keys of its own, in one.
    private func clusterRule(for use: RedisUse) -> RedisClusterRule {
        let prefix: String
        let options: String
        switch use {
        case .broker:
            prefix = configuration.redis.keyPrefix
            options = "broker_transport_options"
        case .results:
            prefix = configuration.resultKeyPrefix
            options = "result_backend_transport_options"
        case .lock:
            return .allowed
        }
        guard !RedisSlot.isOne(ofKeysBeginningWith: prefix) else { return .allowed }
        return .refused(
            "set global_keyprefix in \(options) to a text with a hash tag, such as {celery}, which keeps all keys in one"
                + " slot, and do so at all clients and workers")
    }
    #endif

    #if AMQP
    private func amqp(_ urls: String) throws(CeleriacError) -> [AMQPConfiguration] {
        var configurations: [AMQPConfiguration] = []
        for url in urls.split(separator: ";") {
            do {
                configurations.append(
                    try AMQPConfiguration(url: String(url), defaults: configuration.amqp.connections.defaults))
            } catch {
                throw CeleriacError(.configuration, "the AMQP URL cannot be used", cause: error)
            }
        }
        guard configuration.amqp.connections.isShuffled else { return configurations }
        // Hash values differ from process to process. In one process the order is always the same, so that tasks and the
        // queue in which rpc:// awaits their results come to one broker.
        return configurations.sorted { $0.hashValue < $1.hashValue }
    }
    #endif
}
