import MachineryDialect

extension MachineryConfiguration {
    /// The AMQP options, with the default queue that the configuration names.
    var amqpOptions: MachineryAMQPOptions {
        var options = amqp ?? MachineryAMQPOptions()
        options.defaultQueue = defaultQueue
        return options
    }

    /// Whether the broker is RabbitMQ.
    var isAMQP: Bool { broker.lowercased().hasPrefix("amqp") }

    /// The routing key of tasks that name none.
    var defaultRoutingKey: String { isAMQP ? amqpOptions.defaultRoutingKey : defaultQueue }

    /// The formats of messages and states.
    var formats: MachineryFormats {
        MachineryFormats(
            defaultRoutingKey: defaultRoutingKey,
            laterStatesNameTheirTask: resultBackend.lowercased().hasPrefix("redis"))
    }

    /// A URL as it is shown: scheme and host, without login and path.
    static func shown(_ url: String) -> String {
        guard let separator = url.firstRange(of: "://") else { return url }
        var rest = url[separator.upperBound...]
        rest = rest.prefix { $0 != "/" && $0 != "?" }
        if let at = rest.lastIndex(of: "@") { rest = rest[rest.index(after: at)...] }
        return String(url[..<separator.upperBound] + rest)
    }
}
