#if Redis
import CeleriacWire

extension RedisConfiguration {
    /// The schemes of URLs that ``init(url:)`` reads, in lower case.
    package static let schemes: Set<String> = ["redis", "rediss", "redis+socket", "valkey", "valkeys"]

    /// Parses a connection URL in the form that Celery, kombu and redis-py use.
    ///
    /// * `redis://[user:password@]host[:port][/database]`
    /// * `rediss://…` with `ssl_cert_reqs=required|optional|none`, `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile`
    ///   and `ssl_check_hostname=true|false` in the query. Without `ssl_cert_reqs` the certificate is checked;
    ///   `optional` is the same as `required` for a client, as in Python.
    /// * `redis+socket://[user:password@]/path[?virtual_host=database]`, also `db=database`
    /// * `valkey://` and `valkeys://`, which are the first two
    ///
    /// `password_file=PATH` in the query of any has the password in the first line of a file, in place of the URL's.
    ///
    /// User, password, path and query are percent-decoded; an IPv6 address is written in brackets. Other query
    /// parameters are ignored. No error message quotes the URL, which may hold a password.
    ///
    /// - Throws: `invalidURL`.
    package init(url: String) throws(RedisError) {
        guard let parts = RedisURL(url) else {
            throw Self.invalid("The URL must have the form redis://[user:password@]host:port/database.")
        }
        self.init()
        let query = try Self.query(parts.query)
        switch parts.scheme.lowercased() {
        case "redis", "valkey": break
        case "rediss", "valkeys": tls = try RedisTLS(parameters: query)
        case "redis+socket": unixSocketPath = ""
        default: throw Self.invalid("The scheme must be redis, rediss, valkey, valkeys or redis+socket.")
        }
        if let login = parts.login {
            let pieces = login.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            user = try Self.decoded(pieces[0], "user").nonEmpty
            password = pieces.count == 2 ? try Self.decoded(pieces[1], "password").nonEmpty : nil
        }
        passwordFile = query["password_file"]?.nonEmpty
        let path = try Self.decoded(parts.path, "path")
        var databaseText = query["db"] ?? query["virtual_host"]
        if unixSocketPath != nil {
            guard parts.host.isEmpty, parts.port == nil else {
                throw Self.invalid("The URL of a socket has a path and no host: redis+socket:///path.")
            }
            guard path.utf8.count > 1 else { throw Self.invalid("The path of the socket is missing.") }
            unixSocketPath = path
        } else {
            host = try Self.decoded(parts.host, "host").nonEmpty ?? host
            if let text = parts.port, !text.isEmpty {
                guard text.utf8.allSatisfy({ 48...57 ~= $0 }), let number = UInt16(text), number > 0 else {
                    throw Self.invalid("The port must be a number between 1 and 65535.")
                }
                port = Int(number)
            }
            databaseText = databaseText ?? String(path.drop { $0 == "/" }).nonEmpty
        }
        if let text = databaseText {
            // Python's transport also accepts "/3" here.
            let digits = text.drop { $0 == "/" }
            guard digits.utf8.allSatisfy({ 48...57 ~= $0 }), let number = Int32(digits.isEmpty ? "0" : digits) else {
                throw Self.invalid("The database must be a number.")
            }
            database = Int(number)
        }
    }

    /// The parameters of a query. As in Python, `+` is a space, and the first of several values wins.
    private static func query(_ text: Substring) throws(RedisError) -> [String: String] {
        var parameters: [String: String] = [:]
        for pair in text.split(separator: "&") {
            let pieces = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pieces.count == 2 else { continue }
            let key = try decoded(pieces[0], "query", plusIsSpace: true)
            let value = try decoded(pieces[1], "query", plusIsSpace: true)
            if parameters[key] == nil { parameters[key] = value }
        }
        return parameters
    }

    private static func decoded(
        _ text: Substring, _ part: String, plusIsSpace: Bool = false
    ) throws(RedisError) -> String {
        var bytes: [UInt8] = []
        var source = text.utf8.makeIterator()
        while let byte = source.next() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = source.next().flatMap(hexDigit), let low = source.next().flatMap(hexDigit) else {
                    throw invalid("The \(part) has a % without two hexadecimal digits after it; write % as %25.")
                }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace:
                bytes.append(UInt8(ascii: " "))
            default:
                bytes.append(byte)
            }
        }
        guard let result = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
            throw invalid("The \(part) is not UTF-8 text.")
        }
        return result
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    static func invalid(_ reason: String) -> RedisError {
        RedisError(.invalidURL, "The Redis URL is invalid. \(reason)")
    }
}

/// The parts of a URL, still percent-encoded.
struct RedisURL {
    let scheme: Substring
    /// The text before the last `@` of the authority.
    let login: Substring?
    /// The host, without the brackets of an IPv6 address.
    let host: Substring
    let port: Substring?
    let path: Substring
    let query: Substring

    /// Splits a URL; `nil` if it has no scheme or a malformed address.
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
