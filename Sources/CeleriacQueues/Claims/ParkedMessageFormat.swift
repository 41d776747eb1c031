package import CeleriacCore
package import CeleriacWire

package import struct FoundationEssentials.Date

/// How a dialect writes down a message that is kept aside: what stands in a queue's `.parked` companion.
///
/// A record is one JSON object. The message's exact bytes stand in `message` where they are UTF-8 text, else in
/// `message_base64`.
package struct ParkedMessageFormat: Sendable {
    private let style: JSONStyle
    private let text: @Sendable (Date) -> String?
    private let date: @Sendable (String) -> Date?

    /// Creates a format.
    ///
    /// - Parameters:
    ///   - style: how the dialect writes JSON.
    ///   - text: a point in time as the dialect writes it; nil where it has no form for it.
    ///   - date: reads what `text` writes.
    package init(
        style: JSONStyle, text: @escaping @Sendable (Date) -> String?, date: @escaping @Sendable (String) -> Date?
    ) {
        self.style = style
        self.text = text
        self.date = date
    }

    /// A record's bytes.
    package func encode(_ parked: ParkedMessage) -> [UInt8] {
        var object: WireObject = [
            "reason": .string(parked.reason),
            "detail": .string(parked.detail),
            "queue": .string(parked.queue),
            "worker": .string(parked.worker),
            "time": parked.time.flatMap(text).map { .string($0) } ?? .null,
        ]
        if let text = String(validating: parked.message, as: UTF8.self) {
            object["message"] = .string(text)
        } else {
            object["message_base64"] = .string(Base64.encode(parked.message))
        }
        return (try? WireJSON.encode(.object(object), style: style)) ?? []
    }

    /// Reads a record.
    ///
    /// - Parameters:
    ///   - id: what names the message at its broker.
    ///   - queue: whose companion the record stands in.
    /// - Returns: nil if the bytes are not a record.
    package func decode(_ record: [UInt8], id: String, queue: String) -> ParkedMessage? {
        guard let object = try? WireJSON.decode(record), let reason = object["reason"]?.stringValue,
            let message = object["message"]?.stringValue.map({ Array($0.utf8) })
                ?? object["message_base64"]?.stringValue.flatMap({ try? Base64.decode($0) })
        else { return nil }
        return ParkedMessage(
            id: id, queue: queue, message: message, reason: reason, detail: object["detail"]?.stringValue ?? "",
            time: object["time"]?.stringValue.flatMap(date), worker: object["worker"]?.stringValue ?? "")
    }
}
