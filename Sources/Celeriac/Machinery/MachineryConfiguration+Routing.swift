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

    /// The broker as it is shown: schemes and hosts.
    var shownBroker: String {
        guard !multipleBrokerSeparator.isEmpty else { return Self.shown(broker) }
        return broker.split(separator: multipleBrokerSeparator).map { Self.shown(String($0)) }
            .joined(separator: multipleBrokerSeparator)
    }

    /// The result backend as it is shown: scheme and host.
    var shownBackend: String { Self.shown(resultBackend) }

    /// A URL without login, path and query. A login may hold any character: it ends with the last `@`.
    private static func shown(_ url: String) -> String {
        guard let separator = url.firstRange(of: "://") else { return url }
        let rest = url[separator.upperBound...]
        let address = rest.lastIndex(of: "@").map { rest[rest.index(after: $0)...] } ?? rest
        return String(url[..<separator.upperBound] + address.prefix { $0 != "/" && $0 != "?" })
    }
}
