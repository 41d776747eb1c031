#if AMQP
import CeleriacCore
import CeleriacWire

extension AMQPDelivery {
    /// Whether the body was too large to be taken, so that there is nothing to keep aside.
    var lacksBody: Bool { defect?.isBodyMissing == true }

    /// The message as it is kept aside: its own body, properties and headers, and beside these why.
    func parked(for fault: MessageFault, queue: String, worker: String, time: String) -> WireMessage {
        var parked = message
        parked.headers["x-celeriac-reason"] = .string(fault.reason)
        parked.headers["x-celeriac-detail"] = .string(fault.detail)
        parked.headers["x-celeriac-queue"] = .string(queue)
        parked.headers["x-celeriac-worker"] = .string(worker)
        parked.headers["x-celeriac-time"] = .string(time)
        if let defect {
            // Headers that cannot be read are kept as the bytes that came.
            parked.headers["x-celeriac-properties"] = .bytes(defect.propertyBytes)
        }
        // By these the broker would send copies to the queues that the message came from.
        for name in ["CC", "BCC"] {
            if let value = parked.headers.removeValue(forKey: name) { parked.headers["x-celeriac-\(name)"] = value }
        }
        // The broker refuses the name of a user other than the one that publishes.
        if let user = parked.properties.userID {
            parked.headers["x-celeriac-user-id"] = .string(user)
            parked.properties.userID = nil
        }
        // It must stay until somebody looks at it.
        parked.properties.expiration = nil
        return parked
    }
}
#endif
