import CeleriacCore
import CeleriacWire

/// A setting of Machinery's loaders, by its name in YAML and in the environment, and what becomes of it here. Every name
/// of Machinery's has a row, so that none is ignored in silence.
struct MachinerySetting {
    /// What becomes of a setting.
    enum Verdict {
        case text(WritableKeyPath<LoadedConfiguration, String>)
        case number(WritableKeyPath<LoadedConfiguration, Int>)
        case flag(WritableKeyPath<LoadedConfiguration, Bool>)
        case map(WritableKeyPath<LoadedConfiguration, WireObject>)
        /// Seconds, of which negative ones set nothing.
        case seconds(WritableKeyPath<LoadedConfiguration, Duration?>)
        /// It has no effect here, for this reason.
        case idle(String)
        /// It would change what happens to tasks, and is refused unless it asks for nothing.
        case refused(String)
    }

    /// The block of YAML in which it stands; empty outside of blocks.
    let block: String
    /// Its key in YAML; nil if it has none.
    let name: String?
    /// Its variable; nil if it has none.
    let variable: String?
    let verdict: Verdict

    private init(_ block: String, _ name: String?, _ variable: String?, _ verdict: Verdict) {
        self.block = block
        self.name = name
        self.variable = variable
        self.verdict = verdict
    }

    /// All settings.
    static var all: [MachinerySetting] { outside + amqp + redis + redisWithoutEffect + ofOtherServices }

    private static var outside: [MachinerySetting] {
        [
            MachinerySetting("", "broker", "BROKER", .text(\.configuration.broker)),
            MachinerySetting("", "lock", "LOCK", .text(\.configuration.lock)),
            // The variable is spelled as Machinery spells it.
            MachinerySetting(
                "", "multiple_broker_separator", "MULTIPLE_BROKEN_SEPARATOR",
                .text(\.configuration.multipleBrokerSeparator)),
            MachinerySetting("", "default_queue", "DEFAULT_QUEUE", .text(\.configuration.defaultQueue)),
            MachinerySetting("", "result_backend", "RESULT_BACKEND", .text(\.configuration.resultBackend)),
            MachinerySetting("", "results_expire_in", "RESULTS_EXPIRE_IN", .number(\.configuration.resultsExpireIn)),
            MachinerySetting("", "no_unix_signals", "NO_UNIX_SIGNALS", .flag(\.configuration.noUnixSignals)),
            // Go's loaders give Go's field a name, though it is meant for code.
            MachinerySetting("", "tlsconfig", nil, .refused(insteadOfTLS)),
            MachinerySetting("", nil, "TLSCONFIG_INSECURESKIPVERIFY", .refused(insteadOfTLS)),
            MachinerySetting("", nil, "TLSCONFIG_SERVERNAME", .refused(insteadOfTLS)),
        ]
    }

    private static var amqp: [MachinerySetting] {
        [
            MachinerySetting("amqp", "exchange", "AMQP_EXCHANGE", .text(\.amqp.exchange)),
            MachinerySetting("amqp", "exchange_type", "AMQP_EXCHANGE_TYPE", .text(\.amqp.exchangeType)),
            MachinerySetting("amqp", "binding_key", "AMQP_BINDING_KEY", .text(\.amqp.bindingKey)),
            MachinerySetting("amqp", "prefetch_count", "AMQP_PREFETCH_COUNT", .number(\.amqp.prefetchCount)),
            MachinerySetting("amqp", "queue_declare_args", nil, .map(\.amqp.queueDeclareArguments)),
            MachinerySetting(
                "amqp", nil, "AMQP_QUEUE_DECLARE_ARGS",
                .refused(
                    "Machinery's loader loses the values, with which RabbitMQ refuses the queue. Set queue_declare_args in"
                        + " YAML, or queueDeclareArguments in code")),
            MachinerySetting(
                "amqp", "queue_binding_args", "AMQP_QUEUE_BINDING_ARGS", .map(\.amqp.queueBindingArguments)),
            MachinerySetting("amqp", "auto_delete", "AMQP_AUTO_DELETE", .flag(\.amqp.autoDelete)),
            MachinerySetting("amqp", "delayed_queue", "AMQP_DELAYED_QUEUE", .text(\.amqp.delayedQueue)),
            // Ours.
            MachinerySetting("amqp", "maximum_eta_hold", "AMQP_MAXIMUM_ETA_HOLD", .seconds(\.amqp.maximumETAHold)),
            MachinerySetting(
                "amqp", "declares_publisher_queue", "AMQP_DECLARES_PUBLISHER_QUEUE",
                .flag(\.amqp.declaresPublisherQueue)),
            MachinerySetting(
                "amqp", "binds_own_queue_with_binding_key", "AMQP_BINDS_OWN_QUEUE_WITH_BINDING_KEY",
                .flag(\.amqp.bindsOwnQueueWithBindingKey)),
        ]
    }

    private static var redis: [MachinerySetting] {
        [
            MachinerySetting(
                "redis", "delayed_tasks_key", "REDIS_DELAYED_TASKS_KEY", .text(\.configuration.redis.delayedTasksKey)),
            MachinerySetting(
                "redis", "delayed_tasks_poll_period", "REDIS_DELAYED_TASKS_POLL_PERIOD",
                .number(\.configuration.redis.delayedTasksPollPeriod)),
            MachinerySetting(
                "redis", "connect_timeout", "REDIS_CONNECT_TIMEOUT", .number(\.configuration.redis.connectTimeout)),
            MachinerySetting(
                "redis", "read_timeout", "REDIS_READ_TIMEOUT", .number(\.configuration.redis.readTimeout)),
            MachinerySetting("redis", "client_name", "REDIS_CLIENT_NAME", .text(\.configuration.redis.clientName)),
            MachinerySetting("redis", "master_name", "REDIS_MASTER_NAME", .text(\.configuration.redis.masterName)),
            MachinerySetting(
                "redis", "sentinel_password", "REDIS_SENTINEL_PASSWORD",
                .text(\.configuration.redis.sentinelPassword)),
            // Machinery v2 has the first name, v1 the second.
            MachinerySetting(
                "redis", "cluster_enabled", "REDIS_CLUSTER_ENABLED", .flag(\.configuration.redis.clusterEnabled)),
            MachinerySetting(
                "redis", "cluster_mode", "REDIS_CLUSTER_MODE", .flag(\.configuration.redis.clusterEnabled)),
        ]
    }

    private static var redisWithoutEffect: [MachinerySetting] {
        let noPool = Verdict.idle("connections are shared, there is no pool")
        return [
            MachinerySetting("redis", "max_idle", "REDIS_MAX_IDLE", noPool),
            MachinerySetting("redis", "max_active", "REDIS_MAX_ACTIVE", noPool),
            MachinerySetting("redis", "max_idle_timeout", "REDIS_IDLE_TIMEOUT", noPool),
            MachinerySetting("redis", "wait", "REDIS_WAIT", noPool),
            MachinerySetting(
                "redis", "write_timeout", "REDIS_WRITE_TIMEOUT",
                .idle("read_timeout bounds a command together with its answer")),
            MachinerySetting(
                "redis", "normal_tasks_poll_period", "REDIS_NORMAL_TASKS_POLL_PERIOD",
                .idle("a worker waits at the server for tasks, and polls for none")),
        ]
    }

    private static var ofOtherServices: [MachinerySetting] {
        let noSQS = Verdict.idle("the broker's URL alone chooses the broker, and SQS is none that is spoken here")
        let noDynamoDB = Verdict.idle(
            "the result backend's URL alone chooses it, and DynamoDB is none that is spoken here")
        return [
            MachinerySetting("sqs", "receive_wait_time_seconds", "SQS_WAIT_TIME_SECONDS", noSQS),
            MachinerySetting("sqs", "receive_visibility_timeout", "SQS_VISIBILITY_TIMEOUT", noSQS),
            // The key is spelled as Machinery spells it.
            MachinerySetting("sqs", "visibility_hearth_beat", "SQS_VISIBILITY_HEARTBEAT", noSQS),
            MachinerySetting("dynamodb", "task_states_table", "TASK_STATES_TABLE", noDynamoDB),
            MachinerySetting("dynamodb", "group_metas_table", "GROUP_METAS_TABLE", noDynamoDB),
        ]
    }

    private static let insteadOfTLS =
        "write amqps:// or rediss://, and the files in the URL: ssl_ca_certs, ssl_certfile, ssl_keyfile, ssl_cert_reqs"

    /// Does what the verdict says about a value.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration`, which names the setting.
    func read(_ given: ConfigurationValue, into loaded: inout LoadedConfiguration) throws(CeleriacError) {
        switch verdict {
        case .text(let path): loaded[keyPath: path] = try given.text()
        case .number(let path): loaded[keyPath: path] = try given.number()
        case .flag(let path): loaded[keyPath: path] = try given.flag()
        case .map(let path): loaded[keyPath: path] = try given.map()
        case .seconds(let path):
            let seconds = try given.number()
            if seconds >= 0 { loaded[keyPath: path] = .seconds(seconds) }
        case .idle(let reason):
            loaded.configuration.notices.append(
                "\(given.source) sets \(given.name), which has no effect: \(reason)")
        case .refused(let reason):
            guard !given.asksForNothing else { return }
            throw CeleriacError(
                .configuration, "\(given.name) in \(given.source) cannot be followed: \(reason)")
        }
    }
}
