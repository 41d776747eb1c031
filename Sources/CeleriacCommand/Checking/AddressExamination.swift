import Celeriac
import CeleriacWire
import Foundation

/// Looks at a broker's or a result store's URL and at what the settings add to it, without connecting.
enum AddressExamination {
    /// The hosts to which nothing leaves this machine.
    private static let ownHosts: Set<String> = ["", "localhost", "127.0.0.1", "::1"]

    /// What is to be said of URLs that may stand beside each other with `;` between them.
    static func findings(_ subject: String, _ urls: String, cover: AddressCover = AddressCover()) -> [Finding] {
        guard ConnectionURL.splitScheme(urls) != nil else {
            return [
                .problem(
                    subject, "the URL has no scheme",
                    "write it with one, as in redis://host:6379/0 or amqp://user:password@host:5672//")
            ]
        }
        return urls.split(separator: ";").flatMap { one($0.trimmingCharacters(in: .whitespaces), subject, cover) }
    }

    private static func one(_ url: String, _ subject: String, _ cover: AddressCover) -> [Finding] {
        guard let parts = try? ConnectionURL(url) else {
            return [.problem(subject, "the URL cannot be read", "check its host, its port and its brackets")]
        }
        let isRedis = ["redis", "rediss", "valkey", "valkeys", "sentinel"].contains(parts.scheme)
        let isRabbitMQ = ["amqp", "amqps", "pyamqp"].contains(parts.scheme)
        guard isRedis || isRabbitMQ else { return [] }
        let isEncrypted =
            ["rediss", "valkeys", "amqps"].contains(parts.scheme) || hasTLS(parts) || cover.isEncrypted
        // A password in the URL goes before one of the settings.
        let namesFile = parts.query.contains { $0.name == "password_file" }
        let hasPassword = namesFile || parts.password.map { !$0.isEmpty } ?? (isRedis && cover.hasPassword)
        var findings: [Finding] = []
        for host in parts.hosts {
            let isOwn = ownHosts.contains(String(host.name).lowercased())
            if let port = host.port, isRedis && ["5672", "5671", "15672"].contains(port) {
                findings.append(
                    .warning(subject, "port \(port) is RabbitMQ's, and the URL is Redis'", "check scheme and port"))
            }
            if let port = host.port, isRabbitMQ && ["6379", "15672", "15671"].contains(port) {
                let owner = port == "6379" ? "Redis'" : "that of RabbitMQ's management API"
                findings.append(
                    .warning(subject, "port \(port) is \(owner), and the URL is AMQP's", "check scheme and port"))
            }
            if isOwn { continue }
            if !isEncrypted, hasPassword {
                let setting = subject == "results" ? "redis_backend_use_ssl" : "broker_use_ssl"
                findings.append(
                    .warning(
                        subject, "the password and all messages to \(host.name) cross the network in the clear",
                        "use \(isRedis ? "rediss" : "amqps")://, or \(setting)"))
            } else if isRedis, parts.password == nil, !hasPassword {
                findings.append(
                    .note(
                        subject, "the login at \(host.name) has no password",
                        "whoever reaches the server can run tasks: give it a user with a password, or see that nobody can"
                    ))
            }
            let usesCertificate = cover.usesCertificate || showsCertificate(parts)
            if isRabbitMQ, !usesCertificate, (parts.user.map(String.init) ?? "guest") == "guest" {
                findings.append(
                    .note(
                        subject, "the user guest may by default log in from the broker's own host alone",
                        "make a user for the application (rabbitmqctl add_user)"))
            }
        }
        // At Redis the URL's own parameters go before the settings. At RabbitMQ they come on top of them.
        let followsSettings = isRabbitMQ || !hasTLS(parts)
        if isEncrypted, isUnverified(parts) || (followsSettings && !cover.isVerified) {
            findings.append(
                .warning(
                    subject, "the server's certificate is not checked",
                    "name its authority with ssl_ca_certs (ca_certs in settings), and have it checked"))
        }
        return findings.isEmpty ? [.ok(subject, "the URL can be read")] : findings
    }

    private static func hasTLS(_ parts: ConnectionURL) -> Bool { parts.query.contains { $0.name.hasPrefix("ssl_") } }

    private static func showsCertificate(_ parts: ConnectionURL) -> Bool {
        parts.query.contains { $0.name == "auth_mechanism" && $0.value?.lowercased() == "external" }
    }

    private static func isUnverified(_ parts: ConnectionURL) -> Bool {
        parts.query.contains { parameter in
            let value = parameter.value?.lowercased() ?? ""
            return parameter.name == "ssl_cert_reqs" && ["none", "cert_none"].contains(value)
                || parameter.name == "verify" && value == "verify_none"
        }
    }
}
