#if Redis
package import CeleriacRedis

extension RedisConfiguration {
    /// Reads a URL as Machinery writes it: a login without a colon is a password, a database that is not a number is 0,
    /// and a socket's database follows a colon.
    ///
    /// With the name of a primary, the hosts are those of its sentinels, separated by commas. The login before the first
    /// and the database after the last are the primary's, and `rediss://` encrypts the connections to all of them, as
    /// with go-redis.
    ///
    /// - Parameters:
    ///   - url: The URL.
    ///   - primaryName: Machinery's `master_name`; empty if the URL names the server itself.
    ///   - sentinelPassword: The sentinels' own password; empty for none.
    /// - Throws: `RedisError` with code `invalidURL`; also for the hosts of a cluster.
    package init(
        machineryURL url: String, primaryName: String = "", sentinelPassword: String = ""
    ) throws(RedisError) {
        guard let separator = url.firstRange(of: "://") else { throw Self.refused("it has no scheme") }
        let scheme = url[..<separator.lowerBound].lowercased()
        var rest = url[separator.upperBound...]
        var login = Substring()
        if let at = rest.lastIndex(of: "@") {
            login = rest[..<at]
            rest = rest[rest.index(after: at)...]
            if !login.contains(":") { login = ":" + login }
        }
        let prefix = login.isEmpty ? "" : login + "@"
        if scheme == "redis+socket" {
            var database = "0"
            if let colon = rest.lastIndex(of: ":") {
                database = String(rest[rest.index(after: colon)...].drop { $0 == "/" })
                rest = rest[..<colon]
            }
            // Go decodes no percent signs here.
            try self.init(url: "redis+socket://\(Self.verbatim(prefix))\(rest)?db=\(Int32(database) ?? 0)")
            return
        }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        let query = rest.firstIndex(of: "?") ?? rest.endIndex
        let database = slash < query ? rest[rest.index(after: slash)..<query] : ""
        let hosts = rest[..<min(slash, query)].split(separator: ",")
        guard !primaryName.isEmpty || hosts.count < 2 else {
            throw Self.refused(
                "it names the hosts of a cluster, which would keep the keys of one claim in different places. The name"
                    + " of a primary (master_name) would make them sentinels")
        }
        try self.init(
            url: "\(scheme)://\(prefix)\(hosts.first ?? "")/\(UInt16(database) ?? 0)\(rest[query...])")
        guard !primaryName.isEmpty else { return }
        var addresses: [RedisAddress] = []
        for host in hosts { addresses.append(try RedisAddress(sentinel: String(host))) }
        guard !addresses.isEmpty else { throw Self.refused("it names no sentinel") }
        var sentinels = RedisSentinels(addresses, primaryName: primaryName)
        sentinels.password = sentinelPassword.isEmpty ? nil : sentinelPassword
        sentinels.tls = tls
        self.sentinels = sentinels
    }

    private static func verbatim(_ text: String) -> String {
        String(text.flatMap { $0 == "%" ? "%25" : String($0) })
    }

    private static func refused(_ reason: String) -> RedisError {
        RedisError(.invalidURL, "The Redis URL cannot be used: \(reason).")
    }
}
#endif
