#if AMQP
import CeleriacCore
import CeleriacWire

extension AMQPDelivery {
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
        // It must stay until somebody looks at it.
        parked.properties.expiration = nil
        return parked
    }
}
#endif
