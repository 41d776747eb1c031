#if AMQP
import CeleriacCore
import CeleriacWire

extension AMQPConfiguration {
    /// Parses an AMQP URL: `amqp://user:password@host:port/vhost?parameters`.
    ///
    /// Schemes are `amqp`, `amqps` and kombu's `pyamqp`. As in kombu, user, password, host and virtual host are
    /// percent-decoded, and an absent or empty part has its default: no path, `/` and `//` all mean the virtual host
    /// `/`, and `//name` means `/name`. The parameters are those that AMQP clients share: `cacertfile`, `certfile`,
    /// `keyfile`, `verify` (`verify_peer`, `verify_none`), `server_name_indication`, `heartbeat` (seconds),
    /// `connection_timeout` (milliseconds), `channel_max`, `frame_max`, `auth_mechanism` (`plain`, `external`); our own
    /// `password_file`, a file whose first line is the password in place of the URL's; and kombu's `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile`, `ssl_cert_reqs`, `ssl_check_hostname`. A TLS parameter in
    /// a URL without TLS is refused, unless the defaults have TLS. Unknown parameters are ignored.
    ///
    /// - Parameters:
    ///   - url: The URL.
    ///   - defaults: What holds where the URL says nothing.
    /// - Throws: `AMQPError` with code `invalidURL`. It does not repeat the URL, which may contain a password.
    package init(
        url: String, defaults: AMQPConnectionDefaults = AMQPConnectionDefaults()
    ) throws(AMQPError) {
        let parts = try Self.split(url)
        guard let isEncrypted = ["amqp": false, "pyamqp": false, "amqps": true][parts.scheme] else {
            throw .invalidURL("its scheme is not amqp, amqps or pyamqp")
        }
        self.init(tls: defaults.tls ?? (isEncrypted ? AMQPTLS() : nil))
        authentication = defaults.authentication
        if let heartbeat = defaults.heartbeat { self.heartbeat = heartbeat }
        if let connectTimeout = defaults.connectTimeout { self.connectTimeout = connectTimeout }
        if let given = try Self.decoded(parts.user) { user = given }
        if let given = try Self.decoded(parts.password) { password = given }
        guard let address = parts.hosts.first, parts.hosts.count == 1 else {
            throw .invalidURL("it names several hosts; give a list of URLs instead")
        }
        if let given = try Self.decoded(address.name) { host = given }
        if let text = address.port, !text.isEmpty {
            guard let number = UInt16(text), number > 0 else {
                throw .invalidURL("its port is not a number from 1 to 65535")
            }
            port = Int(number)
        }
        if let given = try Self.decoded(parts.path.dropFirst()) { virtualHost = given }
        for parameter in parts.query {
            try readParameter(
                Self.percentDecoded(parameter.name, plusIsSpace: true),
                Self.percentDecoded(parameter.value ?? "", plusIsSpace: true))
        }
    }

    private static func split(_ url: String) throws(AMQPError) -> ConnectionURL {
        do {
            return try ConnectionURL(url)
        } catch {
            switch error {
            case .noScheme: throw .invalidURL("it has no scheme; write amqp://user:password@host:port/vhost")
            case .openBracket: throw .invalidURL("its IPv6 address has no closing bracket")
            case .textAfterBracket: throw .invalidURL("something other than a port follows its IPv6 address")
            }
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
        case "password_file": passwordFile = value.nonEmpty
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

    /// A percent-decoded part; `nil` if it is absent or empty, so that its default applies.
    private static func decoded(_ text: Substring?) throws(AMQPError) -> String? {
        guard let text, !text.isEmpty else { return nil }
        return try percentDecoded(text, plusIsSpace: false)
    }

    private static func percentDecoded(_ text: Substring, plusIsSpace: Bool) throws(AMQPError) -> String {
        let text = Array(text.utf8)
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
    /// Parses the URLs of a failover list, in the order to try them.
    ///
    /// - Throws: `AMQPError` with code `invalidURL`, also for an empty list.
    package init(urls: [String]) throws(AMQPError) {
        guard !urls.isEmpty else { throw .invalidURL("the list of URLs is empty") }
        self = []
        for url in urls { append(try AMQPConfiguration(url: url)) }
    }
}

extension AMQPError {
    fileprivate static func invalidURL(_ reason: String) -> AMQPError {
        AMQPError(.invalidURL, "The broker URL is invalid: \(reason).")
    }
}

#endif
