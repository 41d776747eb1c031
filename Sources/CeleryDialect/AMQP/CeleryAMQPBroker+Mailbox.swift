#if AMQP
import CeleriacAMQP
import CeleriacWire

extension CeleryAMQPBroker: CeleryMailboxBroker {
    func mailbox(nodeName: String, names: CeleryControlNames) -> (any CeleryMailbox)? {
        CeleryAMQPMailbox(broker: self, nodeName: nodeName, names: names)
    }

    var controlFacts: WireObject {
        let first = configurations.first
        return controlFacts(
            host: first?.host, user: first?.user, virtualHost: first?.virtualHost ?? "/", port: first?.port ?? 0,
            isEncrypted: first?.tls != nil, transport: "amqp", loginMethod: "PLAIN")
    }

    func controlArguments(ofQueue queue: String) -> WireObject { topology.options.arguments(of: queue) }
}
#endif
