import CeleriacCore
import CeleriacWire
import CeleryDialect
import CeleryWire

extension CelerySettings {
    /// Takes kombu's options of a broker that is a folder. A folder that the URL names goes before those of messages.
    static func readFolders(
        _ options: inout SettingsSection, _ settings: inout CelerySettings
    ) throws(CeleriacError) {
        let incoming = try options.text("data_folder_in")
        let outgoing = try options.text("data_folder_out")
        let control = try options.text("control_folder")
        // Python's workers keep messages there that they have taken.
        for name in ["store_processed", "processed_folder"] { _ = try options.take(name) }
        guard incoming != nil || outgoing != nil || control != nil else { return }
        settings.configuration.filesystem = CeleryFilesystemOptions(
            dataFolderIn: incoming ?? "data_in", dataFolderOut: outgoing ?? "data_out", controlFolder: control)
    }

    /// Takes kombu's options that say what keys and channels there are in Redis.
    static func readKeys(
        _ options: inout SettingsSection, _ redis: inout CeleryRedisOptions
    ) throws(CeleriacError) {
        if let separator = try options.text("sep") { redis.separator = separator }
        if let steps = try options.list("priority_steps") {
            let known = steps.compactMap { $0.intValue.flatMap { UInt8(exactly: $0) } }
            guard known.count == steps.count, !known.isEmpty else {
                throw options.error("needs numbers in priority_steps")
            }
            redis.prioritySteps = known
        }
        if let key = try options.text("unacked_key") { redis.claimKeys.messages = key }
        if let key = try options.text("unacked_index_key") { redis.claimKeys.index = key }
        if let key = try options.text("unacked_mutex_key") { redis.claimKeys.mutex = key }
        if let prefix = try options.take("fanout_prefix") {
            switch prefix {
            case .bool(true): break
            case .bool(false): redis.fanoutPrefix = ""
            case .string(let text): redis.fanoutPrefix = text
            default: throw options.error("needs text, true or false for fanout_prefix")
            }
        }
        if options.has("body_encoding") {
            // As in kombu, null leaves bodies as they are.
            switch try options.text("body_encoding")?.lowercased() ?? "" {
            case "", "utf-8": redis.bodyEncoding = .text
            case "base64": redis.bodyEncoding = .base64
            default: throw options.error("needs base64, utf-8 or null for body_encoding")
            }
        }
        if let flag = try options.flag("fanout_patterns") { redis.channelsHaveRoutingKeys = flag }
    }

    /// The settings of connections. They come first, since others mean something by the broker's kind.
    static let connectionTable: [Setting] = [
        Setting(names: ["broker_url"] + AddressSettings.broker) { section, settings throws(CeleriacError) in
            let given = AddressSettings.broker.filter { section.peek($0)?.isNull == false }
            let composed = try AddressSettings.brokerURL(&section)
            if let urls = try brokerURLs("broker_url", &section) {
                guard !CeleryTransportFactory.hasSeveralRedisServers(urls) else {
                    throw section.error("names in broker_url \(CeleryTransportFactory.severalRedisServers)")
                }
                settings.broker = urls
            } else if let composed, settings.broker == nil || given.contains("broker_host") {
                settings.broker = composed
                return
            }
            settings.notices += given.map { "\($0) has no effect beside the broker's URL: write it into that" }
        },
        // As in Celery, `broker_url` is the other one of these where only one is set.
        Setting("broker_write_url") { section, settings throws(CeleriacError) in
            guard let urls = try brokerURLs("broker_write_url", &section) else { return }
            if settings.configuration.amqp.connections.readURL == nil {
                settings.configuration.amqp.connections.readURL = settings.broker
            }
            settings.broker = urls
        },
        Setting("broker_read_url") { section, settings throws(CeleriacError) in
            guard let urls = try brokerURLs("broker_read_url", &section) else { return }
            settings.configuration.amqp.connections.readURL = urls
        },
        Setting("broker_failover_strategy") { section, settings throws(CeleriacError) in
            guard let name = try section.text("broker_failover_strategy") else { return }
            if name.contains(".") {
                settings.notices.append(
                    "broker_failover_strategy is \(name), which names Python code: URLs are tried in turn")
                return
            }
            guard ["round-robin", "shuffle"].contains(name) else {
                throw section.error("needs round-robin or shuffle for broker_failover_strategy")
            }
            settings.configuration.amqp.connections.isShuffled = name == "shuffle"
        },
        Setting("broker_connection_timeout") { section, settings throws(CeleriacError) in
            guard let timeout = try section.duration("broker_connection_timeout") else { return }
            guard timeout > .zero else {
                throw section.error("needs more than 0 seconds for broker_connection_timeout")
            }
            if settings.broker.map(CeleryTransportFactory.isRedis) ?? false {
                settings.configuration.brokerConnections.connectTimeout = timeout
            } else {
                settings.configuration.amqp.connections.timeout = timeout
            }
            if let broker = settings.broker, CeleryTransportFactory.isConnectionless(broker) {
                settings.notices.append(
                    "broker_connection_timeout has no effect: a broker in a folder or in memory needs no connection")
            }
        },
        Setting("broker_connection_retry", "broker_connection_retry_on_startup") {
            section, settings throws(CeleriacError) in
            let always = try section.flag("broker_connection_retry")
            // As in Celery, one stands for the other.
            if let first = try section.flag("broker_connection_retry_on_startup") ?? always {
                settings.worker.retriesFirstConnection = first
            }
            if let always { settings.worker.retriesLostConnection = always }
        },
        Setting("broker_connection_max_retries") { section, settings throws(CeleriacError) in
            guard let number = try section.number("broker_connection_max_retries") else { return }
            guard let count = Int(exactly: number), count >= 0 else {
                throw section.error("needs a number, 0 or more, for broker_connection_max_retries")
            }
            // As in Celery, zero is for ever.
            settings.worker.maximumFirstRetries = count > 0 ? count : nil
        },
        Setting("broker_heartbeat") { section, settings throws(CeleriacError) in
            guard let heartbeat = try section.duration("broker_heartbeat") else { return }
            // AMQP has 16 bits for the seconds. Less than one would be none at all.
            guard heartbeat == .zero || Duration.seconds(1)...Duration.seconds(65_535) ~= heartbeat else {
                throw section.error("needs 0 for no heartbeats, or 1 to 65535 seconds, for broker_heartbeat")
            }
            settings.configuration.amqp.connections.heartbeat = heartbeat
        },
        Setting("broker_login_method") { section, settings throws(CeleriacError) in
            guard let name = try section.text("broker_login_method") else { return }
            guard ["AMQPLAIN", "PLAIN", "EXTERNAL"].contains(name) else {
                throw section.error("needs AMQPLAIN, PLAIN or EXTERNAL for broker_login_method")
            }
            if name == "AMQPLAIN" {
                settings.notices.append(
                    "broker_login_method is AMQPLAIN: the same user and password are sent by PLAIN, which RabbitMQ "
                        + "takes as well")
            }
            settings.configuration.amqp.connections.usesCertificate = name == "EXTERNAL"
        },
        Setting("broker_use_ssl") { section, settings throws(CeleriacError) in
            guard let value = try section.take("broker_use_ssl") else { return }
            if settings.broker.map(CeleryTransportFactory.isRedis) ?? false {
                settings.configuration.brokerConnections.tls = try RedisConnectionOptions.encryption(
                    value, "broker_use_ssl")
            } else if let isUsed = value.boolValue {
                settings.configuration.amqp.connections.tls = isUsed ? CeleryAMQPConnections.TLS() : nil
            } else {
                guard value.objectValue != nil else {
                    throw section.error("needs true, false, or options for broker_use_ssl")
                }
                settings.configuration.amqp.connections.tls = try tlsOptions(value)
            }
        },
    ]

    /// The URLs of brokers: one text, in which a `;` separates them, or a list.
    private static func brokerURLs(_ name: String, _ section: inout SettingsSection) throws(CeleriacError) -> String? {
        guard let value = try section.take(name) else { return nil }
        if let text = value.stringValue { return text }
        let urls = value.arrayValue?.compactMap(\.stringValue) ?? []
        guard !urls.isEmpty, urls.count == value.arrayValue?.count else {
            throw section.error("needs a URL, or a list of URLs, for \(name)")
        }
        return urls.joined(separator: ";")
    }

    /// Reads the TLS options of py-amqp.
    ///
    /// It compares the host with the certificate only if `server_hostname` is there, and null is then the URL's host. The
    /// authorities of the system vouch for any host, so we also compare it if no `ca_certs` are named.
    private static func tlsOptions(_ value: WireValue) throws(CeleriacError) -> CeleryAMQPConnections.TLS {
        var options = SettingsSection(value, "broker_use_ssl")
        var tls = CeleryAMQPConnections.TLS()
        tls.authorities = try options.text("ca_certs")
        tls.certificate = try options.text("certfile")
        tls.key = try options.text("keyfile")
        tls.checksHost = options.has("server_hostname") || tls.authorities == nil
        tls.host = try options.text("server_hostname")
        if let required = try options.take("cert_reqs") {
            // Python's constants: a client has no use for optional ones.
            switch required.stringValue?.uppercased() ?? required.intValue.map({ String($0) }) ?? "" {
            case "CERT_NONE", "NONE", "0": tls.isVerified = false
            case "CERT_OPTIONAL", "OPTIONAL", "1", "CERT_REQUIRED", "REQUIRED", "2": break
            default: throw options.error("needs CERT_NONE, CERT_OPTIONAL or CERT_REQUIRED for cert_reqs")
            }
        }
        try options.finish()
        guard (tls.certificate == nil) == (tls.key == nil) else {
            throw options.error("needs certfile and keyfile together")
        }
        return tls
    }
}
