import CeleriacCore
import CeleriacWire
import CeleryDialect

/// What Celery's settings say of connections to Redis, beside the URL.
struct RedisConnectionOptions: Sendable, Equatable {
    /// The sentinels' own login and encryption: kombu's `sentinel_kwargs`.
    struct Sentinel: Sendable, Equatable {
        var user: String?
        var password: String?
        /// As ``RedisConnectionOptions/tls``.
        var tls: [String: String]?
        var timeout: Duration?
    }

    /// `master_name`.
    var primaryName: String?
    var sentinel = Sentinel()
    /// `min_other_sentinels`.
    var minimumOthers = 0
    /// How long connecting may take.
    var connectTimeout: Duration?
    /// How long the answer to a command may take.
    var commandTimeout: Duration?
    var clientName: String?
    /// The user if the URL names none.
    var user: String?
    /// The password if the URL has none.
    var password: String?
    /// The parameters `ssl_…` of an encrypted connection, as in a URL; nil for what the URL says.
    var tls: [String: String]?

    /// Options of transports that change nothing here, by the reason.
    private static let idle: [(reason: String, names: [String])] = [
        (
            "connections are kept alive in any case, and there is no pool",
            [
                "socket_keepalive", "socket_keepalive_options", "health_check_interval", "retry_on_timeout",
                "max_connections",
            ]
        ),
        ("nothing is polled", ["polling_interval"]),
        ("credentials are read for each connection", ["reauth_check_interval"]),
        (
            "claims are kept in any case, and what has expired is restored at once",
            [
                "unacked_restore_limit", "unacked_restore_interval", "unacked_restore_throttle",
                "unacked_mutex_expire",
            ]
        ),
        ("queues are served in turn", ["queue_order_strategy"]),
        ("a message that no queue takes is the sender's error", ["deadletter_queue"]),
        (
            "connections need no such setting",
            [
                "client_properties", "frame_max", "channel_max", "socket_settings", "login_response", "read_timeout",
                "write_timeout",
            ]
        ),
        (
            "workers try until they are stopped, clients as task_publish_retry_policy says",
            [
                "max_retries", "interval_start", "interval_step", "interval_max", "connect_retries_timeout", "errback",
                "callback",
            ]
        ),
        ("results are stored again until they are kept", ["retry_policy", "additional_connection_errors"]),
        (
            "broadcasts are heard on the channels of kombu 5.4 and later, not on those of earlier ones",
            ["sentinel_fanout_compat"]
        ),
    ]
    /// Flags among them that are false by default. Whoever writes that default asks for nothing, and need not be told.
    private static let switches: Set<String> = ["sentinel_fanout_compat"]

    /// What should be told about options that have no effect, a sentence each.
    static func notices(of options: WireObject, _ name: String) -> [String] {
        var notices = idle.flatMap { reason, names in
            names.filter { options[$0] != nil && !(switches.contains($0) && options[$0] == false) }.map { option in
                "\(name) sets \(option), which has no effect: \(reason)"
            }
        }
        var section = SettingsSection(.object(options), name)
        if (try? section.flag("ack_emulation")) == false {
            notices.append(
                "\(name) sets ack_emulation to false, which has no effect: what a worker has taken from Redis stands there "
                    + "until it is settled, and comes back if the worker is lost")
        }
        return notices
    }

    /// Takes what `broker_transport_options` or `result_backend_transport_options` say of connections.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration`, which names the option.
    mutating func read(_ section: inout SettingsSection) throws(CeleriacError) {
        if let name = try section.text("master_name") { primaryName = name }
        if let number = try section.number("min_other_sentinels") {
            guard let count = Int(exactly: number), count >= 0 else {
                throw section.error("needs a number, 0 or more, for min_other_sentinels")
            }
            minimumOthers = count
        }
        // What is false is told of, and does nothing.
        _ = try section.flag("ack_emulation")
        // Whoever makes a result store reads it.
        _ = try section.flag("result_chord_ordered")
        if let options = try section.object("sentinel_kwargs") { try readSentinel(options) }
        if let timeout = try section.positiveDuration("socket_connect_timeout") { connectTimeout = timeout }
        if let timeout = try section.positiveDuration("socket_timeout") { commandTimeout = timeout }
        if let name = try section.text("client_name") { clientName = name }
        for name in Self.idle.flatMap(\.names) { _ = try section.take(name) }
    }

    /// Takes Celery's settings of the result store.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration`, which names the setting.
    mutating func readResultSettings(_ section: inout SettingsSection) throws(CeleriacError) {
        if let timeout = try section.positiveDuration("redis_socket_connect_timeout") { connectTimeout = timeout }
        if let timeout = try section.positiveDuration("redis_socket_timeout") { commandTimeout = timeout }
        if let name = try section.text("redis_client_name") { clientName = name }
        if let name = try section.text("redis_username") { user = name }
        if let text = try section.text("redis_password") { password = text }
        if let value = try section.take("redis_backend_use_ssl") {
            tls = try Self.encryption(value, "redis_backend_use_ssl")
        }
    }

    /// The settings that ``readResultSettings(_:)`` takes.
    static let resultSettings = Setting(
        "redis_socket_connect_timeout", "redis_socket_timeout", "redis_client_name", "redis_username", "redis_password",
        "redis_backend_use_ssl"
    ) { section, settings throws(CeleriacError) in
        try settings.configuration.resultConnections.readResultSettings(&section)
    }

    private mutating func readSentinel(_ options: WireObject) throws(CeleriacError) {
        var section = SettingsSection(.object(options), "sentinel_kwargs")
        sentinel.user = try section.text("username")
        sentinel.password = try section.text("password")
        let timeout = try section.positiveDuration("socket_timeout")
        sentinel.timeout = try section.positiveDuration("socket_connect_timeout") ?? timeout
        for name in Self.idle.prefix(1).flatMap(\.names) { _ = try section.take(name) }
        let isEncrypted = try section.flag("ssl")
        let parameters = try Self.takeEncryption(&section)
        guard isEncrypted != nil || parameters.isEmpty else {
            throw section.error("needs ssl: true beside the options of encryption")
        }
        if isEncrypted == true { sentinel.tls = parameters }
        try section.finish()
    }

    /// The encryption that `broker_use_ssl` or `redis_backend_use_ssl` asks for; nil for none.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration`, which names the setting.
    static func encryption(_ value: WireValue, _ name: String) throws(CeleriacError) -> [String: String]? {
        if let flag = value.boolValue { return flag ? [:] : nil }
        if value.isNull { return nil }
        var section = SettingsSection(value, name)
        let parameters = try takeEncryption(&section)
        try section.finish()
        return parameters
    }

    /// Takes the options of Python's `ssl`, which may begin with `ssl_` or not, and writes them as a URL's parameters.
    private static func takeEncryption(
        _ section: inout SettingsSection
    ) throws(CeleriacError) -> [String: String] {
        var parameters: [String: String] = [:]
        for name in ["ca_certs", "certfile", "keyfile"] {
            let plain = try section.text(name)
            parameters["ssl_" + name] = try section.text("ssl_" + name) ?? plain
        }
        let plainCheck = try section.flag("check_hostname")
        if let checks = try section.flag("ssl_check_hostname") ?? plainCheck {
            parameters["ssl_check_hostname"] = checks ? "true" : "false"
        }
        let plainRequirement = try section.take("cert_reqs")
        if let value = try section.take("ssl_cert_reqs") ?? plainRequirement {
            // Python's constants are the numbers 0 to 2.
            let words = [0: "none", 1: "optional", 2: "required"]
            let text = value.intValue.flatMap { words[$0] } ?? value.stringValue?.lowercased() ?? ""
            let word = text.split(separator: ".").last.map(String.init) ?? ""
            guard ["none", "optional", "required"].contains(word.replacing("cert_", with: "")) else {
                throw section.error("needs CERT_REQUIRED, CERT_OPTIONAL or CERT_NONE for ssl_cert_reqs")
            }
            parameters["ssl_cert_reqs"] = word
        }
        return parameters
    }
}

extension SettingsSection {
    /// A number of seconds; nil also for zero, which is Python's for no limit of its own.
    fileprivate mutating func positiveDuration(_ key: String) throws(CeleriacError) -> Duration? {
        guard let duration = try self.duration(key), duration > .zero else { return nil }
        return duration
    }
}
