#if Redis

/// The parts of a URL as they are written, percent signs and all.
struct RedisURL {
    let scheme: Substring
    /// What stands in front of the last `@` of the authority.
    let login: Substring?
    /// The host, without the brackets of an IPv6 address.
    let host: Substring
    let port: Substring?
    let path: Substring
    let query: Substring

    /// Splits a URL; `nil` where it has no scheme, or a broken address.
    init?(_ url: String) {
        guard let colon = url.firstIndex(of: ":"), url[colon...].hasPrefix("://") else { return nil }
        scheme = url[..<colon]
        var rest = url[url.index(colon, offsetBy: 3)...]
        if let fragment = rest.firstIndex(of: "#") { rest = rest[..<fragment] }
        if let mark = rest.firstIndex(of: "?") {
            query = rest[rest.index(after: mark)...]
            rest = rest[..<mark]
        } else {
            query = ""
        }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        path = rest[slash...]
        var authority = rest[..<slash]
        if let sign = authority.lastIndex(of: "@") {
            login = authority[..<sign]
            authority = authority[authority.index(after: sign)...]
        } else {
            login = nil
        }
        if authority.first == "[" {
            guard let bracket = authority.firstIndex(of: "]") else { return nil }
            host = authority[authority.index(after: authority.startIndex)..<bracket]
            let tail = authority[authority.index(after: bracket)...]
            guard tail.isEmpty || tail.first == ":", !host.isEmpty else { return nil }
            port = tail.isEmpty ? nil : tail.dropFirst()
        } else if let colon = authority.firstIndex(of: ":") {
            host = authority[..<colon]
            port = authority[authority.index(after: colon)...]
        } else {
            host = authority
            port = nil
        }
    }
}
#endif
