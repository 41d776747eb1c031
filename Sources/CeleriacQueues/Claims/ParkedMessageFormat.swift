package import CeleriacCore
package import CeleriacWire

package import struct FoundationEssentials.Date

/// The format in which a dialect stores a parked message in the `.parked` companion of its queue.
///
/// A record is one JSON object. `message` holds the message's exact bytes if they are UTF-8 text; otherwise
/// `message_base64` holds them.
package struct ParkedMessageFormat: Sendable {
    private let style: JSONStyle
    private let text: @Sendable (Date) -> String?
    private let date: @Sendable (String) -> Date?

    /// Creates a format.
    ///
    /// - Parameters:
    ///   - style: how the dialect writes JSON.
    ///   - text: formats a point in time the way the dialect writes it; returns nil if the dialect has no form for it.
    ///   - date: parses what `text` writes.
    package init(
        style: JSONStyle, text: @escaping @Sendable (Date) -> String?, date: @escaping @Sendable (String) -> Date?
    ) {
        self.style = style
        self.text = text
        self.date = date
    }

    /// Encodes a record.
    package func encode(_ parked: ParkedMessage) -> [UInt8] {
        var object: WireObject = [
            "reason": .string(parked.reason),
            "detail": .string(parked.detail),
            "queue": .string(parked.queue),
            "worker": .string(parked.worker),
            "time": parked.time.flatMap(text).map { .string($0) } ?? .null,
        ]
        if let isStored = parked.failureIsStored { object["failure_stored"] = .bool(isStored) }
        if let text = String(validating: parked.message, as: UTF8.self) {
            object["message"] = .string(text)
        } else {
            object["message_base64"] = .string(Base64.encode(parked.message))
        }
        return (try? WireJSON.encode(.object(object), style: style)) ?? []
    }

    /// The same record, with the note that it is stored that the task has failed; nil if the bytes are not a record.
    package func told(_ record: [UInt8]) -> [UInt8]? {
        guard var object = try? WireJSON.decode(record).objectValue, object["reason"] != nil else { return nil }
        object["failure_stored"] = true
        return try? WireJSON.encode(.object(object), style: style)
    }

    /// Decodes a record of a message that its broker names `id`, parked from `queue`. Returns nil if the bytes are not
    /// a record.
    package func decode(_ record: [UInt8], id: String, queue: String) -> ParkedMessage? {
        guard let object = try? WireJSON.decode(record, limits: .default.ofAnySize),
            let reason = object["reason"]?.stringValue,
            let message = object["message"]?.stringValue.map({ Array($0.utf8) })
                ?? object["message_base64"]?.stringValue.flatMap({ try? Base64.decode($0) })
        else { return nil }
        return ParkedMessage(
            id: id, queue: queue, message: message, reason: reason, detail: object["detail"]?.stringValue ?? "",
            time: object["time"]?.stringValue.flatMap(date), worker: object["worker"]?.stringValue ?? "",
            failureIsStored: object["failure_stored"]?.boolValue)
    }
}
