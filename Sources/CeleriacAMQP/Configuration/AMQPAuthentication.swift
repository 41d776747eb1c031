#if AMQP

/// How a connection proves who it is (AMQP's SASL mechanisms).
public enum AMQPAuthentication: Sendable, Hashable {
    /// User name and password.
    case plain
    /// The TLS client certificate. RabbitMQ needs its plugin `rabbitmq_auth_mechanism_ssl` for it.
    case external
}

#endif
