public import CeleriacCore
import CeleriacWire

extension MachineryConfiguration {
    /// The values that Machinery's loaders assume for settings that are not given.
    private static var loaded: MachineryConfiguration {
        MachineryConfiguration(
            broker: "amqp://guest:guest@localhost:5672/", resultBackend: "amqp://guest:guest@localhost:5672/",
            amqp: MachineryAMQPOptions())
    }

    /// Reads a configuration from the environment, by Machinery's names: `BROKER`, `DEFAULT_QUEUE`, `AMQP_EXCHANGE`, ….
    ///
    /// - Throws: ``CeleriacError`` with code `configuration`, which names the variable that cannot be read.
    public init(environment: [String: String]) throws(CeleriacError) {
        self = Self.loaded
        let fields = ConfigurationFields(source: "the environment") { name in environment[name].map { .string($0) } }
        try fields.text("BROKER", &broker)
        try fields.text("LOCK", &lock)
        // As Machinery spells it.
        try fields.text("MULTIPLE_BROKEN_SEPARATOR", &multipleBrokerSeparator)
        try fields.text("DEFAULT_QUEUE", &defaultQueue)
        try fields.text("RESULT_BACKEND", &resultBackend)
        try fields.number("RESULTS_EXPIRE_IN", &resultsExpireIn)
        try fields.flag("NO_UNIX_SIGNALS", &noUnixSignals)
        var amqp = MachineryAMQPOptions(defaultQueue: defaultQueue)
        try fields.text("AMQP_EXCHANGE", &amqp.exchange)
        try fields.text("AMQP_EXCHANGE_TYPE", &amqp.exchangeType)
        try fields.text("AMQP_BINDING_KEY", &amqp.bindingKey)
        try fields.number("AMQP_PREFETCH_COUNT", &amqp.prefetchCount)
        try fields.map("AMQP_QUEUE_BINDING_ARGS", &amqp.queueBindingArguments)
        try fields.flag("AMQP_AUTO_DELETE", &amqp.autoDelete)
        try fields.text("AMQP_DELAYED_QUEUE", &amqp.delayedQueue)
        try fields.seconds("AMQP_MAXIMUM_ETA_HOLD", &amqp.maximumETAHold)
        self.amqp = amqp
        try fields.text("REDIS_DELAYED_TASKS_KEY", &redis.delayedTasksKey)
        try fields.number("REDIS_DELAYED_TASKS_POLL_PERIOD", &redis.delayedTasksPollPeriod)
        try fields.number("REDIS_CONNECT_TIMEOUT", &redis.connectTimeout)
        try fields.number("REDIS_READ_TIMEOUT", &redis.readTimeout)
        try fields.text("REDIS_CLIENT_NAME", &redis.clientName)
        try fields.text("REDIS_MASTER_NAME", &redis.masterName)
        try fields.text("REDIS_SENTINEL_PASSWORD", &redis.sentinelPassword)
        for name in ["REDIS_CLUSTER_ENABLED", "REDIS_CLUSTER_MODE"] { try fields.refuse(name, Self.insteadOfACluster) }
    }

    /// Reads a configuration from YAML, by Machinery's names: `broker`, `default_queue`, `amqp: exchange`, …. Unlike
    /// Machinery it reads more than the first thousand bytes.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` if the content is not YAML or a setting cannot be read.
    public init(yaml: [UInt8]) throws(CeleriacError) {
        self = Self.loaded
        let document: WireValue
        do {
            document = try WireYAML.decode(yaml)
        } catch {
            throw CeleriacError(.configuration, "the configuration is not YAML", cause: error)
        }
        let fields = ConfigurationFields(source: "the configuration") { name in document[name] }
        try fields.text("broker", &broker)
        try fields.text("lock", &lock)
        try fields.text("multiple_broker_separator", &multipleBrokerSeparator)
        try fields.text("default_queue", &defaultQueue)
        try fields.text("result_backend", &resultBackend)
        try fields.number("results_expire_in", &resultsExpireIn)
        try fields.flag("no_unix_signals", &noUnixSignals)
        var amqp = MachineryAMQPOptions(defaultQueue: defaultQueue)
        let amqpFields = ConfigurationFields(source: "the configuration's amqp") { name in document["amqp"]?[name] }
        try amqpFields.text("exchange", &amqp.exchange)
        try amqpFields.text("exchange_type", &amqp.exchangeType)
        try amqpFields.text("binding_key", &amqp.bindingKey)
        try amqpFields.number("prefetch_count", &amqp.prefetchCount)
        try amqpFields.map("queue_declare_args", &amqp.queueDeclareArguments)
        try amqpFields.map("queue_binding_args", &amqp.queueBindingArguments)
        try amqpFields.flag("auto_delete", &amqp.autoDelete)
        try amqpFields.text("delayed_queue", &amqp.delayedQueue)
        try amqpFields.seconds("maximum_eta_hold", &amqp.maximumETAHold)
        self.amqp = amqp
        let redisFields = ConfigurationFields(source: "the configuration's redis") { name in document["redis"]?[name] }
        try redisFields.text("delayed_tasks_key", &redis.delayedTasksKey)
        try redisFields.number("delayed_tasks_poll_period", &redis.delayedTasksPollPeriod)
        try redisFields.number("connect_timeout", &redis.connectTimeout)
        try redisFields.number("read_timeout", &redis.readTimeout)
        try redisFields.text("client_name", &redis.clientName)
        try redisFields.text("master_name", &redis.masterName)
        try redisFields.text("sentinel_password", &redis.sentinelPassword)
        for name in ["cluster_enabled", "cluster_mode"] { try redisFields.refuse(name, Self.insteadOfACluster) }
    }

    private static let insteadOfACluster =
        "one server or its sentinels: a cluster would keep the keys of one claim in different places"
}

/// Reads settings by their names, from a YAML file or from the environment. A setting that is not given keeps its
/// value.
private struct ConfigurationFields {
    let source: String
    let value: (String) -> WireValue?

    func text(_ name: String, _ target: inout String) throws(CeleriacError) {
        switch value(name) {
        case nil, .null?: return
        case .string(let text)?: target = text
        case .int(let number)?: target = String(number)
        default: throw mismatch(name, "text")
        }
    }

    /// Refuses a setting that would change where tasks go, unless it is empty or false.
    func refuse(_ name: String, _ instead: String) throws(CeleriacError) {
        switch value(name) {
        case nil, .null?, .bool(false)?, .int(0)?: return
        case .string(let text)? where ["", "0", "f", "F", "false", "FALSE", "False"].contains(text): return
        default: throw CeleriacError(.configuration, "\(name) in \(source) cannot be followed; name \(instead)")
        }
    }

    func number(_ name: String, _ target: inout Int) throws(CeleriacError) {
        switch value(name) {
        case nil, .null?: return
        case .int(let number)?:
            guard let number = Int(exactly: number) else { throw mismatch(name, "a number") }
            target = number
        case .string(let text)?:
            guard let number = Int(text) else { throw mismatch(name, "a number") }
            target = number
        default: throw mismatch(name, "a number")
        }
    }

    func seconds(_ name: String, _ target: inout Duration?) throws(CeleriacError) {
        var seconds = -1
        try number(name, &seconds)
        if seconds >= 0 { target = .seconds(seconds) }
    }

    func flag(_ name: String, _ target: inout Bool) throws(CeleriacError) {
        switch value(name) {
        case nil, .null?: return
        case .bool(let flag)?: target = flag
        // The words that Go's strconv.ParseBool takes.
        case .string(let text)? where ["1", "t", "T", "true", "TRUE", "True"].contains(text): target = true
        case .string(let text)? where ["0", "f", "F", "false", "FALSE", "False"].contains(text): target = false
        default: throw mismatch(name, "true or false")
        }
    }

    /// Reads a map; in the environment it is `key:value,key:value`, whose values are text.
    func map(_ name: String, _ target: inout WireObject) throws(CeleriacError) {
        switch value(name) {
        case nil, .null?: return
        case .object(let object)?: target = object
        case .string(let text)?:
            var object: WireObject = [:]
            for pair in text.split(separator: ",") {
                let parts = pair.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2 else { throw mismatch(name, "key:value pairs") }
                object[String(parts[0])] = .string(String(parts[1]))
            }
            target = object
        default: throw mismatch(name, "a map")
        }
    }

    private func mismatch(_ name: String, _ expected: String) -> CeleriacError {
        CeleriacError(.configuration, "\(name) in \(source) is not \(expected)")
    }
}
