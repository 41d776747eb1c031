#if Redis
package import CeleriacRedis

extension RedisConfiguration {
    /// Reads a URL as Machinery writes it: a login without a colon is a password, a database that is not a number is 0,
    /// and a socket's database follows a colon.
    ///
    /// Several hosts, separated by commas, are nodes of a cluster, or with the name of a primary its sentinels. The login
    /// before the first and the database after the last are the servers', and `rediss://` encrypts the connections to all
    /// of them, as with go-redis.
    ///
    /// - Parameters:
    ///   - url: The URL.
    ///   - primaryName: Machinery's `master_name`; empty if the URL names the servers themselves.
    ///   - sentinelPassword: The sentinels' own password; empty for none.
    ///   - isCluster: Machinery's `cluster_enabled`, which goes before the name of a primary.
    /// - Throws: `RedisError` with code `invalidURL`.
    package init(
        machineryURL url: String, primaryName: String = "", sentinelPassword: String = "", isCluster: Bool = false
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
            clusterRule = isCluster ? Self.cluster : Self.singleServer
            return
        }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        let query = rest.firstIndex(of: "?") ?? rest.endIndex
        let database = slash < query ? rest[rest.index(after: slash)..<query] : ""
        let hosts = rest[..<min(slash, query)].split(separator: ",")
        try self.init(
            url: "\(scheme)://\(prefix)\(hosts.first ?? "")/\(UInt16(database) ?? 0)\(rest[query...])")
        if isCluster || primaryName.isEmpty && hosts.count > 1 {
            guard self.database == 0 else {
                throw Self.refused("it leads to a cluster, which has no database but 0, and names \(self.database)")
            }
            clusterRule = Self.cluster
            for host in hosts.dropFirst() { seeds.append(try RedisConfiguration(url: "redis://\(host)").address) }
            return
        }
        clusterRule = Self.singleServer
        guard !primaryName.isEmpty else { return }
        var addresses: [RedisAddress] = []
        for host in hosts { addresses.append(try RedisAddress(sentinel: String(host))) }
        guard !addresses.isEmpty else { throw Self.refused("it names no sentinel") }
        var sentinels = RedisSentinels(addresses, primaryName: primaryName)
        sentinels.password = sentinelPassword.isEmpty ? nil : sentinelPassword
        sentinels.tls = tls
        self.sentinels = sentinels
    }

    /// Messages and claims lie elsewhere in a cluster, so that all clients and workers must know that it is one.
    private static let cluster = RedisClusterRule.required(
        "leave out cluster_enabled (REDIS_CLUSTER_ENABLED, cluster_mode), and name one host in the URL")
    private static let singleServer = RedisClusterRule.refused(
        "set cluster_enabled (REDIS_CLUSTER_ENABLED), or name several of its hosts in the URL, redis://host,host")

    private static func verbatim(_ text: String) -> String {
        String(text.flatMap { $0 == "%" ? "%25" : String($0) })
    }

    private static func refused(_ reason: String) -> RedisError {
        RedisError(.invalidURL, "The Redis URL cannot be used: \(reason).")
    }
}
#endif
