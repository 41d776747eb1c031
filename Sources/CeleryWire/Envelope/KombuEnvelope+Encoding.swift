import CeleriacWire

extension KombuEnvelope {
    /// Writes the envelope byte for byte as kombu does. If the message is given back, headers and delivery info carry
    /// the marks of a Redis restore.
    ///
    /// - Throws: `CeleryWireError.Code.unrepresentable` if JSON cannot carry a header.
    public func encode() throws(CeleryWireError) -> [UInt8] {
        var writer = EnvelopeWriter(capacity: message.body.count * 4 / 3 + 1024)
        do throws(WireError) {
            try write(to: &writer)
        } catch {
            throw CeleryWireError(.unrepresentable, "the envelope cannot be written as JSON", cause: error)
        }
        return writer.bytes
    }

    private func write(to writer: inout EnvelopeWriter) throws(WireError) {
        let properties = message.properties
        writer.raw("{\"body\": ")
        try writeBody(to: &writer)
        writer.raw(", \"content-encoding\": ")
        try writer.text(properties.contentEncoding)
        writer.raw(", \"content-type\": ")
        try writer.text(properties.contentType)
        writer.raw(", \"headers\": ")
        var headers = message.headers
        if redelivered { headers["redelivered"] = true }
        try writer.value(.object(headers))
        writer.raw(", \"properties\": {")
        try writer.member("correlation_id", properties.correlationID)
        try writer.member("reply_to", properties.replyTo)
        try writer.member("message_id", properties.messageID)
        try writer.member("type", properties.type)
        try writer.member("user_id", properties.userID)
        try writer.member("app_id", properties.appID)
        if let timestamp = properties.timestamp {
            try writer.member("timestamp", Int64(exactly: timestamp).map { .int($0) } ?? .number(String(timestamp)))
        }
        for (name, value) in properties.other {
            try writer.member(name, value)
        }
        if let mode = properties.deliveryMode { try writer.member("delivery_mode", .int(Int64(mode))) }
        try writer.member("expiration", properties.expiration)
        writer.key("delivery_info")
        writer.raw("{\"exchange\": ")
        try writer.text(exchange)
        writer.raw(", \"routing_key\": ")
        try writer.text(routingKey)
        writer.raw(redelivered ? ", \"redelivered\": true}" : "}")
        if properties.other["priority"] == nil {
            try writer.member("priority", .int(Int64(properties.priority ?? 0)))
        }
        try writer.member("body_encoding", bodyEncoding == .base64 ? "base64" : .null)
        try writer.member("delivery_tag", deliveryTag)
        writer.raw("}}")
    }

    private func writeBody(to writer: inout EnvelopeWriter) throws(WireError) {
        switch bodyEncoding {
        case .base64:
            // Base64 contains nothing that JSON would escape.
            writer.raw("\"")
            writer.bytes += Base64.encode(message.body) as [UInt8]
            writer.raw("\"")
        case .text:
            guard let text = String(validating: message.body, as: UTF8.self) else {
                throw WireError(.invalidUTF8, "the body is not text; write it as base64")
            }
            try writer.text(text)
        }
    }
}

/// Writes JSON in Python's style, one part at a time.
private struct EnvelopeWriter {
    var bytes: [UInt8] = []
    private var isFirstMember = true

    init(capacity: Int) {
        bytes.reserveCapacity(capacity)
    }

    mutating func raw(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func value(_ value: WireValue) throws(WireError) {
        let start = bytes.count
        let depth = WireLimits.celery.maximumDepth
        do throws(WireError) {
            try WireJSON.encode(value, into: &bytes, style: .python, nonFinite: .allow, maximumDepth: depth)
        } catch  where error.code == .bytesUnsupported {
            bytes.removeSubrange(start...)
            let mapped = try value.replacingBytes(with: TypeEnvelope.bytes, depth: depth)
            try WireJSON.encode(mapped, into: &bytes, style: .python, nonFinite: .allow, maximumDepth: depth)
        }
    }

    mutating func text(_ text: String?) throws(WireError) {
        try value(text.map { .string($0) } ?? .null)
    }

    /// Writes the key, after a comma unless it is the first.
    mutating func key(_ name: String) {
        if !isFirstMember { raw(", ") }
        isFirstMember = false
        raw("\"")
        bytes.append(contentsOf: name.utf8)
        raw("\": ")
    }

    mutating func member(_ name: String, _ value: WireValue) throws(WireError) {
        if !isFirstMember { raw(", ") }
        isFirstMember = false
        try text(name)
        raw(": ")
        try self.value(value)
    }

    mutating func member(_ name: String, _ text: String?) throws(WireError) {
        guard let text else { return }
        try member(name, .string(text))
    }
}
