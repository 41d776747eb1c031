#if Redis
package import CeleriacRedis

extension RedisConfiguration {
    /// Reads a URL as Machinery writes it: a login without a colon is a password, a database that is not a number is 0,
    /// and a socket's database follows a colon.
    ///
    /// - Throws: `RedisError` with code `invalidURL`; also for several hosts, since clusters and sentinels are not
    ///   supported.
    package init(machineryURL url: String) throws(RedisError) {
        guard let separator = url.firstRange(of: "://") else { throw Self.refused("it has no scheme") }
        let scheme = url[..<separator.lowerBound].lowercased()
        var rest = url[separator.upperBound...]
        if rest.contains(",") { throw Self.refused("it names several hosts; clusters and sentinels are not supported") }
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
        try self.init(
            url: "\(scheme)://\(prefix)\(rest[..<min(slash, query)])/\(UInt16(database) ?? 0)\(rest[query...])")
    }

    private static func verbatim(_ text: String) -> String {
        String(text.flatMap { $0 == "%" ? "%25" : String($0) })
    }

    private static func refused(_ reason: String) -> RedisError {
        RedisError(.invalidURL, "The Redis URL cannot be used: \(reason).")
    }
}
#endif
