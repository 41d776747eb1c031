import CeleriacCore
import CeleriacWire
import Logging
import MachineryDialect
import NIOCore

#if AMQP
import CeleriacAMQP
#endif
#if Redis
import CeleriacRedis
#endif

/// Makes brokers, result backends and locks from a configuration's URLs.
struct MachineryTransportFactory {
    let configuration: MachineryConfiguration
    let eventLoopGroup: any EventLoopGroup
    let logger: Logger

    func broker() throws(CeleriacError) -> any MessageBroker {
        switch scheme(configuration.broker) {
        #if Redis
        case _ where RedisConfiguration.schemes.contains(scheme(configuration.broker)):
            return MachineryRedisBroker(
                try redis(configuration.broker),
                settings: configuration.redis, defaultQueue: configuration.defaultQueue,
                eventLoopGroup: eventLoopGroup, logger: logger)
        #endif
        #if AMQP
        case "amqp", "amqps":
            return MachineryAMQPBroker(
                try amqp(configuration.broker), options: configuration.amqpOptions, eventLoopGroup: eventLoopGroup,
                logger: logger)
        #endif
        case "eager": return MachineryEagerBroker()
        case "memory": return MemoryBroker()
        default:
            throw refusal("broker URL", configuration.broker)
        }
    }

    func backend() throws(CeleriacError) -> any ResultStore {
        switch scheme(configuration.resultBackend) {
        #if Redis
        case _ where RedisConfiguration.schemes.contains(scheme(configuration.resultBackend)):
            return MachineryRedisResults(
                try redis(configuration.resultBackend), eventLoopGroup: eventLoopGroup, logger: logger)
        #endif
        #if AMQP
        case "amqp", "amqps":
            return MachineryAMQPResults(
                try amqp(configuration.resultBackend), options: configuration.amqpOptions,
                expiry: configuration.resultExpiry, eventLoopGroup: eventLoopGroup, logger: logger)
        #endif
        case "eager", "memory": return MachineryMemoryResults()
        case "null": return MachineryNullResults()
        default:
            throw refusal("result backend", configuration.resultBackend)
        }
    }

    func lock(timers: any TimerSource) throws(CeleriacError) -> any MachineryLock {
        switch scheme(configuration.lock) {
        case "", "eager": return EagerLock(timers: timers)
        #if Redis
        case _ where RedisConfiguration.schemes.contains(scheme(configuration.lock)):
            return MachineryRedisLock(try redis(configuration.lock), eventLoopGroup: eventLoopGroup, logger: logger)
        #endif
        default:
            throw refusal("lock URL", configuration.lock)
        }
    }

    /// Machinery's transports that do not exist here, by the schemes of their URLs.
    private static let others = [
        "https": "SQS or DynamoDB", "http": "SQS", "gcppubsub": "Google's Pub/Sub", "memcache": "Memcached",
        "mongodb": "MongoDB", "mongodb+srv": "MongoDB",
    ]

    /// The error of a URL that no transport takes. It begins as Machinery's, and names what the URL leads to.
    private func refusal(_ setting: String, _ url: String) -> CeleriacError {
        let name = scheme(url)
        let reason =
            Self.others[name].map { "\(name):// leads to \($0), which is not spoken here; name RabbitMQ or Redis" }
            ?? "the scheme '\(name)' is not one that this build knows"
        return CeleriacError(.configuration, "Factory failed with \(setting): \(reason)")
    }

    private func scheme(_ url: String) -> String {
        ConnectionURL.splitScheme(url)?.scheme ?? url.lowercased()
    }

    #if Redis
    private func redis(_ url: String) throws(CeleriacError) -> RedisConfiguration {
        do {
            var redis = try RedisConfiguration(
                machineryURL: url, primaryName: configuration.redis.masterName,
                sentinelPassword: configuration.redis.sentinelPassword, isCluster: configuration.redis.clusterEnabled)
            redis.credentials = configuration.redisCredentials
            if let patience = configuration.patience { redis.connectTimeout = patience }
            if configuration.redis.connectTimeout > 0 {
                redis.connectTimeout = .seconds(configuration.redis.connectTimeout)
            }
            if configuration.redis.readTimeout > 0 { redis.commandTimeout = .seconds(configuration.redis.readTimeout) }
            if !configuration.redis.clientName.isEmpty { redis.clientName = configuration.redis.clientName }
            return redis
        } catch {
            throw CeleriacError(.configuration, "the Redis URL cannot be used", cause: error)
        }
    }
    #endif

    #if AMQP
    private func amqp(_ urls: String) throws(CeleriacError) -> [AMQPConfiguration] {
        let separator = configuration.multipleBrokerSeparator
        var configurations: [AMQPConfiguration] = []
        var defaults = AMQPConnectionDefaults()
        defaults.connectTimeout = configuration.patience
        for url in separator.isEmpty ? [urls] : urls.split(separator: separator).map(String.init) {
            do {
                configurations.append(try AMQPConfiguration(url: url, defaults: defaults))
            } catch {
                throw CeleriacError(.configuration, "the AMQP URL cannot be used", cause: error)
            }
        }
        return configurations
    }
    #endif
}

// MARK: What follows from a configuration's URLs

extension MachineryConfiguration {
    /// The AMQP options, with the configuration's default queue.
    var amqpOptions: MachineryAMQPOptions {
        var options = amqp ?? MachineryAMQPOptions()
        options.defaultQueue = defaultQueue
        return options
    }

    /// Whether the broker is RabbitMQ.
    var isAMQP: Bool { broker.lowercased().hasPrefix("amqp") }

    /// The routing key of tasks whose sender names none.
    var defaultRoutingKey: String { isAMQP ? amqpOptions.defaultRoutingKey : defaultQueue }

    /// The formats of messages and states.
    var formats: MachineryFormats {
        MachineryFormats(
            defaultRoutingKey: defaultRoutingKey,
            laterStatesNameTheirTask: ["redis", "valkey"].contains { resultBackend.lowercased().hasPrefix($0) },
            // An eager send waits for its task, and another process never comes to run it.
            unregisteredAttempts: unregisteredAttempts ?? (broker.lowercased().hasPrefix("eager") ? 3 : nil))
    }

    /// The broker's URLs as logs show them: schemes and hosts.
    var shownBroker: String {
        guard !multipleBrokerSeparator.isEmpty else { return Self.shown(broker) }
        return broker.split(separator: multipleBrokerSeparator).map { Self.shown(String($0)) }
            .joined(separator: multipleBrokerSeparator)
    }

    /// The result backend's URL as logs show it: scheme and host.
    var shownBackend: String { Self.shown(resultBackend) }

    /// A URL without login, path and query. A login may contain any character, so it ends at the last `@`.
    private static func shown(_ url: String) -> String {
        guard let separator = url.firstRange(of: "://") else { return url }
        let rest = url[separator.upperBound...]
        let address = rest.lastIndex(of: "@").map { rest[rest.index(after: $0)...] } ?? rest
        return String(url[..<separator.upperBound] + address.prefix { $0 != "/" && $0 != "?" })
    }
}
