import CeleryDialect

extension CelerySettings {
    /// Bounds how long connecting to the broker and to results in Redis may take, where the settings say nothing about it.
    package mutating func limitConnecting(to patience: Duration) { configuration.limitConnecting(to: patience) }
}

extension CeleryConfiguration {
    /// Bounds how long connecting to the broker and to results in Redis may take, where the settings say nothing about it.
    package mutating func limitConnecting(to patience: Duration) {
        if amqp.connections.timeout == nil { amqp.connections.timeout = patience }
        if brokerConnections.connectTimeout == nil { brokerConnections.connectTimeout = patience }
        if resultConnections.connectTimeout == nil { resultConnections.connectTimeout = patience }
    }
}
