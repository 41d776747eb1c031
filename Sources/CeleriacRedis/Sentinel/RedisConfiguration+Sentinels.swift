#if Redis
extension RedisConfiguration {
    /// Parses the URLs of sentinels as kombu and Celery write them: `sentinel://[user:password@]host[:port][/database]`,
    /// several separated by `;`.
    ///
    /// User, password and database are the primary's, and those of the first URL count. If that has one of the parameters
    /// `ssl_…` of `rediss://`, connections to the primary are encrypted. What sentinels themselves need stands in
    /// ``RedisSentinels``.
    ///
    /// - Parameters:
    ///   - urls: The URLs.
    ///   - primaryName: The name under which the sentinels watch the primary.
    /// - Throws: `invalidURL`.
    package init(sentinelURLs urls: String, primaryName: String) throws(RedisError) {
        guard !primaryName.isEmpty else {
            throw Self.invalid("Sentinels must be told the name of the primary: kombu's option master_name.")
        }
        var first: RedisConfiguration?
        var addresses: [RedisAddress] = []
        for url in urls.split(separator: ";") {
            guard let parts = RedisURL(String(url)), parts.scheme.lowercased() == "sentinel" else {
                throw Self.invalid("Each URL must have the form sentinel://[user:password@]host:port/database.")
            }
            let isEncrypted = parts.query.split(separator: "&").contains { $0.hasPrefix("ssl_") }
            let rest = url.dropFirst(parts.scheme.count)
            var one = try RedisConfiguration(url: "\(isEncrypted ? "rediss" : "redis")\(rest)")
            if parts.port?.isEmpty ?? true { one.port = RedisAddress.sentinelPort }
            addresses.append(one.address)
            first = first ?? one
        }
        guard let primary = first else { throw Self.invalid("There is no sentinel.") }
        self = primary
        sentinels = RedisSentinels(addresses, primaryName: primaryName)
    }
}

extension RedisAddress {
    /// The port of a sentinel for which none is named.
    package static let sentinelPort = 26_379

    /// Reads a sentinel's `host[:port]`.
    ///
    /// - Throws: `invalidURL`.
    package init(sentinel text: String) throws(RedisError) {
        let url = "redis://\(text)"
        self = try RedisConfiguration(url: url).address
        if RedisURL(url)?.port?.isEmpty ?? true { port = Self.sentinelPort }
    }
}
#endif
