import CeleriacCore
import CeleriacWire
import CeleryWire

extension KombuEnvelope {
    /// The envelope of a message that goes to a queue by its name, with a delivery tag of its own.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` for an exchange, and for headers that cannot be encoded.
    static func encode(toQueue message: OutgoingMessage) throws(CeleriacError) -> [UInt8] {
        guard message.exchange.isEmpty else {
            throw CeleriacError(
                .unsupported,
                "cannot publish to the exchange \(message.exchange): send to a queue by its name instead")
        }
        return try encode(message)
    }

    /// The envelope of a copy of a message for one queue, with a delivery tag of its own: workers keep claims under it.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` for headers that cannot be encoded.
    static func encode(_ message: OutgoingMessage) throws(CeleriacError) -> [UInt8] {
        do {
            return try KombuEnvelope(
                message: message.message, exchange: message.exchange, routingKey: message.routingKey,
                deliveryTag: randomUUID()
            ).encode()
        } catch {
            throw CeleriacError(.unsupported, "the message's headers cannot be encoded", cause: error)
        }
    }
}
