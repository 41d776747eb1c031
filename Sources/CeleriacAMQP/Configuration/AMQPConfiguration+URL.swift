#if AMQP

extension AMQPConfiguration {
    /// Reads an AMQP URL: `amqp://user:password@host:port/vhost?parameters`.
    ///
    /// Schemes are `amqp`, `amqps` and kombu's `pyamqp`. User, password, host and virtual host are percent-decoded, and
    /// what is absent or empty has its default, both as kombu has it: no path, `/` and `//` all mean the virtual host
    /// `/`, and `//name` means `/name`. Parameters are those that AMQP clients share: `cacertfile`, `certfile`,
    /// `keyfile`, `verify` (`verify_peer`, `verify_none`), `server_name_indication`, `heartbeat` (seconds),
    /// `connection_timeout` (milliseconds), `channel_max`, `frame_max`, `auth_mechanism` (`plain`, `external`); and
    /// kombu's `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile`, `ssl_cert_reqs`, `ssl_check_hostname`. A TLS parameter
    /// on a URL without TLS is refused; parameters of other names are ignored.
    ///
    /// - Throws: `AMQPError` with the code `invalidURL`. It does not repeat the URL, which may hold a password.
    public init(url: String) throws(AMQPError) {
        var rest = Array(url.utf8)[...]
        guard let separator = rest.firstRange(of: Array("://".utf8)) else {
            throw .invalidURL("it has no scheme; write amqp://user:password@host:port/vhost")
        }
        let scheme = String(decoding: rest[..<separator.lowerBound], as: UTF8.self).lowercased()
        guard let isEncrypted = ["amqp": false, "pyamqp": false, "amqps": true][scheme] else {
            throw .invalidURL("its scheme is not amqp, amqps or pyamqp")
        }
        rest = rest[separator.upperBound...]
        if let fragment = rest.firstIndex(of: UInt8(ascii: "#")) { rest = rest[..<fragment] }
        var query = rest[rest.endIndex...]
        if let mark = rest.firstIndex(of: UInt8(ascii: "?")) {
            query = rest[(mark + 1)...]
            rest = rest[..<mark]
        }
        var path = rest[rest.endIndex...]
        if let slash = rest.firstIndex(of: UInt8(ascii: "/")) {
            path = rest[(slash + 1)...]
            rest = rest[..<slash]
        }
        self.init(tls: isEncrypted ? AMQPTLS() : nil)
        if !path.isEmpty { virtualHost = try Self.percentDecoded(path, plusIsSpace: false) }
        try readAuthority(rest)
        try readQuery(query)
    }

    private mutating func readAuthority(_ authority: ArraySlice<UInt8>) throws(AMQPError) {
        var address = authority
        if let at = authority.lastIndex(of: UInt8(ascii: "@")) {
            address = authority[(at + 1)...]
            let credentials = authority[..<at]
            let colon = credentials.firstIndex(of: UInt8(ascii: ":")) ?? credentials.endIndex
            let givenUser = try Self.percentDecoded(credentials[..<colon], plusIsSpace: false)
            if !givenUser.isEmpty { user = givenUser }
            let givenPassword = try Self.percentDecoded(credentials[colon...].dropFirst(), plusIsSpace: false)
            if !givenPassword.isEmpty { password = givenPassword }
        }
        var hostBytes = address
        var portBytes = address[address.endIndex...]
        if address.first == UInt8(ascii: "[") {
            guard let bracket = address.firstIndex(of: UInt8(ascii: "]")) else {
                throw .invalidURL("its IPv6 address has no closing bracket")
            }
            hostBytes = address[address.startIndex..<bracket].dropFirst()
            portBytes = address[(bracket + 1)...]
            guard portBytes.isEmpty || portBytes.first == UInt8(ascii: ":") else {
                throw .invalidURL("something other than a port follows its IPv6 address")
            }
            portBytes = portBytes.dropFirst()
        } else if let colon = address.firstIndex(of: UInt8(ascii: ":")) {
            hostBytes = address[..<colon]
            portBytes = address[(colon + 1)...]
        }
        let givenHost = try Self.percentDecoded(hostBytes, plusIsSpace: false)
        if !givenHost.isEmpty { host = givenHost }
        if !portBytes.isEmpty {
            guard let number = UInt16(String(decoding: portBytes, as: UTF8.self)), number > 0 else {
                throw .invalidURL("its port is not a number from 1 to 65535")
            }
            port = Int(number)
        }
    }

    private mutating func readQuery(_ query: ArraySlice<UInt8>) throws(AMQPError) {
        for pair in query.split(separator: UInt8(ascii: "&")) {
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            let name = try Self.percentDecoded(pair[..<equals], plusIsSpace: true)
            let value = try Self.percentDecoded(pair[equals...].dropFirst(), plusIsSpace: true)
            try readParameter(name, value)
        }
    }

    private mutating func readParameter(_ name: String, _ value: String) throws(AMQPError) {
        switch name {
        case "heartbeat": heartbeat = .seconds(try Self.number(value, of: name, upTo: 65_535))
        case "connection_timeout": connectTimeout = .milliseconds(try Self.number(value, of: name, upTo: .max))
        case "channel_max": channelMax = UInt16(truncatingIfNeeded: try Self.number(value, of: name, upTo: 65_535))
        case "frame_max": frameMax = try Self.number(value, of: name, upTo: .max)
        case "auth_mechanism":
            switch value.lowercased() {
            case "plain": authentication = .plain
            case "external": authentication = .external
            default: throw .invalidURL("its auth_mechanism is neither plain nor external")
            }
        case "cacertfile", "ssl_ca_certs": try withTLS(name) { $0.caFile = value }
        case "certfile", "ssl_certfile": try withTLS(name) { $0.certificateFile = value }
        case "keyfile", "ssl_keyfile": try withTLS(name) { $0.keyFile = value }
        case "server_name_indication": try withTLS(name) { $0.serverName = value }
        case "verify", "ssl_cert_reqs":
            switch value.lowercased() {
            case "verify_peer", "cert_required", "required": break
            case "verify_none", "cert_none", "none": try withTLS(name) { $0.verification = .none }
            default: throw .invalidURL("its \(name) is neither verify_peer nor verify_none")
            }
        case "ssl_check_hostname":
            guard value.lowercased() == "false" else { break }
            try withTLS(name) { if $0.verification == .full { $0.verification = .noHostname } }
        case "ssl": if !["false", "0", "no"].contains(value.lowercased()) { try withTLS(name) { _ in } }
        default: break
        }
    }

    private mutating func withTLS(_ name: String, _ change: (inout AMQPTLS) -> Void) throws(AMQPError) {
        guard var settings = tls else {
            throw .invalidURL("its parameter \(name) needs TLS; write amqps://")
        }
        change(&settings)
        tls = settings
    }

    private static func number(_ text: String, of name: String, upTo limit: UInt32) throws(AMQPError) -> UInt32 {
        guard let number = UInt32(text), number <= limit else {
            throw .invalidURL("its \(name) is not a number from 0 to \(limit)")
        }
        return number
    }

    private static func percentDecoded(_ text: ArraySlice<UInt8>, plusIsSpace: Bool) throws(AMQPError) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var index = text.startIndex
        while index < text.endIndex {
            let byte = text[index]
            if byte == UInt8(ascii: "%"), index + 2 < text.endIndex,
                let high = Character(Unicode.Scalar(text[index + 1])).hexDigitValue,
                let low = Character(Unicode.Scalar(text[index + 2])).hexDigitValue
            {
                bytes.append(UInt8(truncatingIfNeeded: high << 4 | low))
                index += 3
            } else {
                bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
                index += 1
            }
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else {
            throw .invalidURL("a percent-encoded part of it is not UTF-8")
        }
        return decoded
    }
}

extension [AMQPConfiguration] {
    /// Reads the URLs of a failover list, in the order in which they are tried.
    ///
    /// - Throws: `AMQPError` with the code `invalidURL`, also for an empty list.
    public init(urls: [String]) throws(AMQPError) {
        guard !urls.isEmpty else { throw .invalidURL("the list of URLs is empty") }
        self = []
        for url in urls { append(try AMQPConfiguration(url: url)) }
    }
}

extension AMQPError {
    fileprivate static func invalidURL(_ reason: String) -> AMQPError {
        AMQPError(.invalidURL, "The broker URL cannot be used: \(reason).")
    }
}

#endif
