import CeleriacCore
import CeleriacWire

extension BrokerDescription {
    /// What `inspect stats` says about a broker: kombu's connection settings, in kombu's order and without the
    /// password.
    var kombuSettings: WireObject {
        [
            "hostname": host.map { .string($0) } ?? .null, "userid": user.map { .string($0) } ?? .null,
            "virtual_host": .string(virtualHost), "port": .int(Int64(port)), "insist": false,
            "ssl": .bool(isEncrypted), "transport": .string(transport), "connect_timeout": 4,
            "transport_options": [:], "login_method": loginMethod.map { .string($0) } ?? .null, "uri_prefix": nil,
            "heartbeat": 120.0, "failover_strategy": "round-robin", "alternates": [], "credential_provider": nil,
        ]
    }
}
