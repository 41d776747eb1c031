package import CeleriacCore
import CeleriacWire
package import CeleryWire

extension KombuEnvelope {
    /// Encodes the envelope of a message that goes to a queue by its name, with a new delivery tag.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` for an exchange, and for headers that cannot be encoded.
    package static func encode(toQueue message: OutgoingMessage) throws(CeleriacError) -> [UInt8] {
        guard message.exchange.isEmpty else {
            throw CeleriacError(
                .unsupported,
                "cannot publish to the exchange \(message.exchange): send to a queue by its name instead")
        }
        return try encode(message)
    }

    /// Writes a copy of a message for one queue. Its delivery tag is its own, since workers keep claims under it. A body that
    /// is no text is written as base64 in any case.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` for headers that cannot be encoded.
    static func encode(
        _ message: OutgoingMessage, bodyEncoding: KombuBodyEncoding = .base64
    ) throws(CeleriacError) -> [UInt8] {
        let isText = bodyEncoding == .text && String(validating: message.message.body, as: UTF8.self) != nil
        do {
            return try KombuEnvelope(
                message: message.message, exchange: message.exchange, routingKey: message.routingKey,
                deliveryTag: randomUUID(), bodyEncoding: isText ? .text : .base64
            ).encode()
        } catch {
            throw CeleriacError(.unsupported, "the message's headers cannot be encoded", cause: error)
        }
    }

    /// A message that came from a queue, with the fault for content if `payload` is not an envelope.
    package static func delivery(of payload: [UInt8], from queue: String, receipt: Receipt) -> Delivery {
        do {
            return try decode(payload).delivery(from: queue, receipt: receipt)
        } catch {
            return unread(payload, MessageFault(error), from: queue, receipt: receipt)
        }
    }

    /// A delivery whose envelope cannot be read, with what can be read of it.
    static func unread(
        _ payload: [UInt8]?, _ fault: MessageFault, limits: WireLimits = .default, from queue: String, receipt: Receipt
    ) -> Delivery {
        var delivery = Delivery(content: .failure(fault), queue: queue, receipt: receipt)
        delivery.remains = payload.flatMap { remains(of: $0, limits: limits) }
        return delivery
    }

    /// The message in the envelope, which came from a queue.
    func delivery(from queue: String, receipt: Receipt) -> Delivery {
        Delivery(
            content: .success(message), queue: queue, exchange: exchange, routingKey: routingKey,
            redelivered: redelivered, receipt: receipt)
    }
}
