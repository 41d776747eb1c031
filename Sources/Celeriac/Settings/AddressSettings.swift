import CeleriacCore
import CeleriacWire
import CeleryDialect

/// The settings that spell an address in parts, from before Celery had URLs: `broker_host`, `redis_port` and their kin.
enum AddressSettings {
    /// The parts of the broker's address. They count where there is no `broker_url`.
    static let broker = [
        "broker_transport", "broker_host", "broker_port", "broker_user", "broker_password", "broker_vhost",
    ]
    /// The parts of the result store's address. They count where `result_backend` is `redis`, without an address.
    static let results = ["redis_host", "redis_port", "redis_db"]

    /// Takes the parts of the broker's address.
    ///
    /// - Returns: the URL; nil if no part is there.
    /// - Throws: ``CeleriacError`` with code `configuration`, which names the setting.
    static func brokerURL(_ section: inout SettingsSection) throws(CeleriacError) -> String? {
        let transport = try section.text("broker_transport")
        let host = try section.text("broker_host")
        let port = try port("broker_port", &section)
        let user = try section.text("broker_user")
        let password = try section.text("broker_password")
        let path = try word("broker_vhost", &section)
        guard transport != nil || host != nil || port != nil || user != nil || password != nil || path != nil else {
            return nil
        }
        // Celery reads it as it reads broker_url.
        if let host, host.contains("://") { return host }
        let scheme = transport ?? "amqp"
        guard !scheme.isEmpty, scheme.utf8.allSatisfy({ isPlain($0) || $0 == UInt8(ascii: "+") }) else {
            throw section.error("needs the scheme of a URL, such as amqp or redis, for broker_transport")
        }
        var login = user.map(encoded) ?? ""
        if let password { login += ":" + encoded(password) }
        if !login.isEmpty { login += "@" }
        let virtualHost = path.map { "/" + encoded(vhost($0, of: scheme)) } ?? ""
        return "\(scheme)://\(login)\(address(host, port))\(virtualHost)"
    }

    /// Takes the parts of the result store's address, and puts them into a `result_backend` without one.
    ///
    /// - Returns: the URL.
    /// - Throws: as ``brokerURL(_:)``.
    static func resultsURL(_ backend: String, _ section: inout SettingsSection) throws(CeleriacError) -> String {
        let host = try section.text("redis_host")
        let port = try port("redis_port", &section)
        let database = try word("redis_db", &section)
        switch backend {
        case "redis":
            let path = database.map { "/" + encoded(vhost($0, of: "redis")) } ?? ""
            return "redis://" + address(host, port) + path
        // As in Celery, the database of a URL without one is 0.
        case "redis://", "redis:///": return "redis://" + address(host, port)
        default: return backend
        }
    }

    /// A virtual host as it stands in a URL: the databases of Redis may have a slash before them.
    private static func vhost(_ text: String, of scheme: String) -> String {
        scheme.hasPrefix("redis") && text.hasPrefix("/") ? String(text.dropFirst()) : text
    }

    private static func address(_ host: String?, _ port: Int?) -> String {
        var text = host ?? "localhost"
        // An IPv6 address.
        if text.contains(":"), !text.hasPrefix("[") { text = "[\(text)]" }
        if let port { text += ":\(port)" }
        return text
    }

    private static func port(_ name: String, _ section: inout SettingsSection) throws(CeleriacError) -> Int? {
        guard let value = try section.take(name) else { return nil }
        guard let port = value.intValue ?? value.stringValue.flatMap({ Int($0) }), 1...65_535 ~= port else {
            throw section.error("needs a number from 1 to 65535 for \(name)")
        }
        return port
    }

    /// Text, or a number as text.
    private static func word(_ name: String, _ section: inout SettingsSection) throws(CeleriacError) -> String? {
        guard let value = try section.take(name) else { return nil }
        guard let text = value.stringValue ?? value.intValue.map({ String($0) }) else {
            throw section.error("needs text or a number for \(name)")
        }
        return text
    }

    /// Text as it stands in a URL.
    static func encoded(_ text: String) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            if isPlain(byte) {
                bytes.append(byte)
            } else {
                bytes += (byte < 16 ? "%0" : "%").utf8
                bytes += String(byte, radix: 16, uppercase: true).utf8
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
