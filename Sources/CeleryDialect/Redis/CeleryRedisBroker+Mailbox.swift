#if Redis
import CeleriacRedis
import CeleriacWire

extension CeleryRedisBroker: CeleryMailboxBroker {
    func mailbox(nodeName: String, names: CeleryControlNames) -> (any CeleryMailbox)? {
        CeleryRedisMailbox(broker: self, nodeName: nodeName, names: names)
    }

    var controlFacts: WireObject {
        controlFacts(
            host: configuration.unixSocketPath ?? configuration.host, user: configuration.user,
            virtualHost: "\(configuration.database)", port: configuration.port, isEncrypted: configuration.tls != nil,
            transport: configuration.tls == nil ? "redis" : "rediss", loginMethod: nil)
    }
}
#endif
