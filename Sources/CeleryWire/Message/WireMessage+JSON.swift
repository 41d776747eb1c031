import CeleriacWire

extension WireMessage {
    /// A message with a JSON body as kombu writes it. A float that is not finite is written as Python writes it.
    static func json(
        _ body: WireValue, headers: WireObject, deliveryMode: UInt8
    ) throws(CeleryWireError) -> WireMessage {
        WireMessage(
            headers: headers,
            properties: MessageProperties(
                contentType: "application/json", contentEncoding: "utf-8", deliveryMode: deliveryMode, priority: 0),
            body: try CelerySerializer.json.encode(body, nonFinite: .allow))
    }
}
