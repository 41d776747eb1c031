import CeleriacWire
import CeleryWire

/// A claim as it is stored in `unacked`: `[envelope, exchange, routing_key]`.
struct KombuClaim {
    /// The envelope's bytes, as JSON in Python's style.
    let payload: [UInt8]
    let envelope: KombuEnvelope
    let exchange: String
    let routingKey: String

    static func decode(_ stored: [UInt8]) throws -> KombuClaim {
        let value = try WireJSON.decode(stored)
        guard let parts = value.arrayValue, parts.count == 3, let exchange = parts[1].stringValue,
            let routingKey = parts[2].stringValue
        else {
            throw CeleryWireError(.malformedEnvelope, "a claim is not [envelope, exchange, routing_key]")
        }
        let payload = try WireJSON.encode(parts[0], style: .python, nonFinite: .allow)
        return KombuClaim(
            payload: payload, envelope: try KombuEnvelope.decode(payload), exchange: exchange, routingKey: routingKey)
    }
}
