#if AMQP
import CeleriacWire

/// Where RabbitMQ's management API listens, and who asks it.
package struct ManagementAddress: Sendable, Hashable {
    /// The host's name or address.
    package var host: String
    /// The TCP port. The default is 15672, or 15671 with TLS.
    package var port: Int
    /// The path in front of `/api`, without a slash at its end; empty for none.
    package var prefix: String
    /// TLS settings; `nil` for plain HTTP.
    package var tls: AMQPTLS?
    /// The user. It needs the tag `management` or a stronger one.
    package var user: String
    /// The user's password.
    package var password: String

    /// The address that belongs to a broker: its host, its user, and the usual port.
    package init(of broker: AMQPConfiguration) {
        host = broker.host
        tls = broker.tls
        port = broker.tls == nil ? 15672 : 15671
        prefix = ""
        user = broker.user
        // Without it the API refuses the user, and says so.
        password = (try? broker.withCurrentPassword())?.password ?? broker.password
    }

    /// Reads a URL: `http://[user:password@]host[:port][/prefix]`, or `https://…`. What it leaves out is as at the broker.
    ///
    /// - Throws: `AMQPError` with code `invalidURL`. It does not repeat the URL, which may contain a password.
    package init(url: String, of broker: AMQPConfiguration) throws(AMQPError) {
        self.init(of: broker)
        guard let parts = try? ConnectionURL(url), let isEncrypted = ["http": false, "https": true][parts.scheme],
            let address = parts.hosts.first, parts.hosts.count == 1, parts.query.isEmpty
        else {
            throw AMQPError(
                .invalidURL, "The URL of the management API is not http://[user:password@]host[:port][/prefix].")
        }
        // The parts mean what they mean in the broker's URL.
        let login = parts.user.map { user in "\(user)\(parts.password.map { ":\($0)" } ?? "")@" } ?? ""
        let named = try AMQPConfiguration(url: "amqp://\(login)\(Self.bracketed(address.name))")
        if !address.name.isEmpty { host = named.host }
        if parts.user != nil { (user, password) = (named.user, named.password) }
        tls = isEncrypted ? broker.tls ?? AMQPTLS() : nil
        port = isEncrypted ? 15671 : 15672
        if let text = address.port, !text.isEmpty {
            guard let number = UInt16(text), number > 0 else {
                throw AMQPError(.invalidURL, "The port of the management API is not a number from 1 to 65535.")
            }
            port = Int(number)
        }
        prefix = String(parts.path)
        while prefix.hasSuffix("/") { prefix.removeLast() }
    }

    private static func bracketed(_ host: Substring) -> String { host.contains(":") ? "[\(host)]" : String(host) }

    /// A name as a part of a path: all but letters, digits and a few signs as escapes.
    static func escaped(_ name: String) -> String {
        let digits = Array("0123456789ABCDEF")
        return name.utf8.reduce(into: "") { path, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "~"):
                path.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                path += "%"
                path.append(digits[Int(byte >> 4)])
                path.append(digits[Int(byte & 15)])
            }
        }
    }
}

extension ManagementAddress: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Scheme, host, port and prefix, without credentials.
    package var description: String { "\(tls == nil ? "http" : "https")://\(host):\(port)\(prefix)" }

    /// The same as `description`, so that no dump shows the password.
    package var debugDescription: String { description }

    /// Shows only `description`.
    package var customMirror: Mirror { Mirror(self, children: ["url": description]) }
}
#endif
