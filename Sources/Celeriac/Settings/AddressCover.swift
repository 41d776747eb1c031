import CeleryDialect

/// What settings add to the URL of a broker or a result store: how a connection is protected.
package struct AddressCover: Sendable, Equatable {
    /// Whether settings ask for encryption.
    package var isEncrypted = false
    /// Whether the server's certificate is checked then.
    package var isVerified = true
    /// Whether settings have a password, or a program of its own tells one for each connection.
    package var hasPassword = false
    /// Whether the client shows a certificate in place of user and password.
    package var usesCertificate = false

    package init() {}
}

extension CelerySettings {
    /// What the settings add to the broker's URL.
    package var brokerCover: AddressCover {
        guard broker.map(CeleryTransportFactory.isRedis) ?? false else {
            var cover = AddressCover()
            let connections = configuration.amqp.connections
            cover.isEncrypted = connections.tls != nil
            cover.isVerified = connections.tls?.isVerified ?? true
            cover.usesCertificate = connections.usesCertificate
            return cover
        }
        return configuration.cover(of: configuration.brokerConnections)
    }

    /// What the settings add to the URL of a result store in Redis.
    package var resultCover: AddressCover { configuration.cover(of: configuration.resultConnections) }
}

extension CeleryConfiguration {
    fileprivate func cover(of connections: RedisConnectionOptions) -> AddressCover {
        var cover = AddressCover()
        cover.isEncrypted = connections.tls != nil
        let requirement = connections.tls?["ssl_cert_reqs"] ?? ""
        cover.isVerified = !["none", "cert_none"].contains(requirement)
        cover.hasPassword = !(connections.password ?? "").isEmpty || redisCredentials != nil
        return cover
    }
}
