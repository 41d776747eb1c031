#if Redis
import CeleriacRedis

extension RedisConnectionOptions {
    /// The server that a URL names, itself or by its sentinels, with these options.
    ///
    /// - Throws: `RedisError` with code `invalidURL`.
    func server(url: String) throws(RedisError) -> RedisConfiguration {
        let isSentinel = url.lowercased().hasPrefix("sentinel:")
        var server =
            try isSentinel
            ? RedisConfiguration(sentinelURLs: url, primaryName: primaryName ?? "") : RedisConfiguration(url: url)
        if var sentinels = server.sentinels {
            sentinels.user = sentinel.user
            sentinels.password = sentinel.password
            if let parameters = sentinel.tls { sentinels.tls = try RedisTLS(parameters: parameters) }
            sentinels.minimumOthers = minimumOthers
            sentinels.timeout = sentinel.timeout
            server.sentinels = sentinels
        }
        server.user = server.user ?? user
        server.password = server.password ?? password
        // As in Celery, the URL's own parameters go before the setting.
        if let tls, server.tls == nil || server.tls == RedisTLS() { server.tls = try RedisTLS(parameters: tls) }
        if let connectTimeout { server.connectTimeout = connectTimeout }
        if let commandTimeout { server.commandTimeout = commandTimeout }
        server.clientName = clientName
        return server
    }
}
#endif
