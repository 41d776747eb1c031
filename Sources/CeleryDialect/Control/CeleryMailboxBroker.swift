import CeleriacCore
import CeleriacWire

/// A broker over which workers can be controlled.
protocol CeleryMailboxBroker: Broker {
    /// Makes a worker's mailbox, which connects when it is run; nil where this broker's settings allow none.
    func mailbox(nodeName: String, names: CeleryControlNames) -> (any CeleryMailbox)?

    /// What `inspect stats` tells of the broker: kombu's connection settings, without the password.
    var controlFacts: WireObject { get }

    /// A queue's arguments, as `inspect active_queues` tells them.
    func controlArguments(ofQueue queue: String) -> WireObject
}

extension CeleryMailboxBroker {
    func controlArguments(ofQueue queue: String) -> WireObject { [:] }

    /// kombu's connection settings in kombu's order.
    func controlFacts(
        host: String?, user: String?, virtualHost: String, port: Int, isEncrypted: Bool, transport: String,
        loginMethod: String?
    ) -> WireObject {
        [
            "hostname": host.map { .string($0) } ?? .null, "userid": user.map { .string($0) } ?? .null,
            "virtual_host": .string(virtualHost), "port": .int(Int64(port)), "insist": false,
            "ssl": .bool(isEncrypted), "transport": .string(transport), "connect_timeout": 4,
            "transport_options": [:], "login_method": loginMethod.map { .string($0) } ?? .null, "uri_prefix": nil,
            "heartbeat": 120.0, "failover_strategy": "round-robin", "alternates": [], "credential_provider": nil,
        ]
    }
}
