import CeleryDialect

extension CelerySettings {
    /// Bounds how long connecting to the broker and to results in Redis may take, where the settings say nothing about it.
    package mutating func limitConnecting(to patience: Duration) {
        if configuration.amqp.connections.timeout == nil { configuration.amqp.connections.timeout = patience }
        if configuration.brokerConnections.connectTimeout == nil {
            configuration.brokerConnections.connectTimeout = patience
        }
        if configuration.resultConnections.connectTimeout == nil {
            configuration.resultConnections.connectTimeout = patience
        }
    }
}
