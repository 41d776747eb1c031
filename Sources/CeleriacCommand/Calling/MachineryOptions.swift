import ArgumentParser
import Celeriac

/// What a command must know of a Machinery application beside its broker. The names of the environment are Machinery's.
struct MachineryOptions: ParsableArguments {
    @Option(help: "Machinery: the default queue. Default: DEFAULT_QUEUE, or machinery_tasks.")
    var defaultQueue: String?

    @Option(help: "Machinery at RabbitMQ: the exchange. Default: AMQP_EXCHANGE, or machinery_exchange.")
    var exchange: String?

    @Option(help: "Machinery at RabbitMQ: the exchange's type. Default: AMQP_EXCHANGE_TYPE, or direct.")
    var exchangeType: String?

    @Option(help: "Machinery at RabbitMQ: the binding key. Default: AMQP_BINDING_KEY, or machinery_task.")
    var bindingKey: String?

    /// The application that these options and the environment describe.
    func makeServer(_ connection: ConnectionOptions) throws -> MachineryServer {
        let environment = CommandEnvironment()
        var configuration = try MachineryConfiguration(environment: environment.all)
        let broker = try connection.brokerURL(or: "BROKER")
        configuration.broker = broker
        configuration.resultBackend = connection.resultBackend ?? environment["RESULT_BACKEND"] ?? broker
        configuration.defaultQueue = defaultQueue ?? configuration.defaultQueue
        if let exchange { configuration.amqp?.exchange = exchange }
        if let exchangeType { configuration.amqp?.exchangeType = exchangeType }
        if let bindingKey { configuration.amqp?.bindingKey = bindingKey }
        return try MachineryServer(configuration: configuration, logger: connection.logger())
    }
}
