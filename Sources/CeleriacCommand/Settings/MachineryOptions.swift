import ArgumentParser
import Celeriac

/// The settings of a Machinery application other than its broker. The environment variables have Machinery's names.
struct MachineryOptions: ParsableArguments {
    @Option(help: "Machinery: the default queue. Default: DEFAULT_QUEUE, or machinery_tasks.")
    var defaultQueue: String?

    @Option(
        help: """
            Machinery at RabbitMQ: the exchange. Default: AMQP_EXCHANGE, or machinery_exchange. With call also Celery's \
            exchange of a task.
            """)
    var exchange: String?

    @Option(help: "Machinery at RabbitMQ: the exchange's type. Default: AMQP_EXCHANGE_TYPE, or direct.")
    var exchangeType: String?

    @Option(help: "Machinery at RabbitMQ: the binding key. Default: AMQP_BINDING_KEY, or machinery_task.")
    var bindingKey: String?

    /// The default queue, by these options or the environment.
    var queueName: String { defaultQueue ?? CommandEnvironment()["DEFAULT_QUEUE"] ?? "machinery_tasks" }

    /// The application that these options and the environment describe.
    ///
    /// - Parameters:
    ///   - connection: its broker and its result store.
    ///   - claimTimeout: how long the claims of its workers last, in seconds; nil for the default.
    /// - Returns: an application that connects on first use.
    /// - Throws: `ValidationError` if no broker is named; `CeleriacError` with code `configuration` for an unusable
    ///   setting.
    func makeServer(_ connection: ConnectionOptions, claimTimeout: Double? = nil) throws -> MachineryServer {
        try makeServer(connection, broker: connection.brokerURL(or: "BROKER"), claimTimeout: claimTimeout)
    }

    /// The application as above, which sends nothing and therefore needs no broker.
    func makeReader(_ connection: ConnectionOptions) throws -> MachineryServer {
        try makeServer(connection, broker: "memory://", claimTimeout: nil)
    }

    /// The URL of the result backend: the broker's unless another is named; nil if neither is.
    func resultURL(_ connection: ConnectionOptions) -> String? {
        let (settings, environment) = (connection.settings, CommandEnvironment())
        return settings.resultBackend ?? environment["RESULT_BACKEND"] ?? settings.broker ?? environment["BROKER"]
    }

    private func makeServer(
        _ connection: ConnectionOptions, broker: String, claimTimeout: Double?
    ) throws -> MachineryServer {
        var configuration = try MachineryConfiguration(environment: CommandEnvironment().all)
        configuration.broker = broker
        configuration.patience = ConnectionOptions.patience
        configuration.resultBackend = resultURL(connection) ?? broker
        configuration.defaultQueue = defaultQueue ?? configuration.defaultQueue
        if let claimTimeout { configuration.redis.claimTimeout = claimTimeout }
        if let exchange { configuration.amqp?.exchange = exchange }
        if let exchangeType { configuration.amqp?.exchangeType = exchangeType }
        if let bindingKey { configuration.amqp?.bindingKey = bindingKey }
        return try MachineryServer(configuration: configuration, logger: connection.logger())
    }
}
