package import CeleriacWire

extension KombuEnvelope {
    /// Reads what can be read of an envelope that ``decode(_:limits:)`` refuses: the headers, the properties, and the
    /// body if it is what it says.
    ///
    /// - Parameters:
    ///   - bytes: The envelope. It may be larger than `limits` allow, because the bytes are in memory already; the body
    ///     is then left out.
    ///   - limits: The limits for the rest.
    /// - Returns: The parts that could be read; `nil` if the bytes are no JSON object.
    package static func remains(of bytes: [UInt8], limits: WireLimits) -> WireMessage? {
        guard
            let envelope = (try? parse(bytes, limits: limits.ofAnySize).value.objectValue)
                ?? readableParts(of: bytes, limits: limits.ofAnySize)
        else { return nil }
        var message = WireMessage(headers: envelope["headers"]?.objectValue ?? [:])
        message.properties.contentType = envelope["content-type"]?.stringValue
        message.properties.contentEncoding = envelope["content-encoding"]?.stringValue
        let properties = envelope["properties"]?.objectValue ?? [:]
        for (name, value) in properties {
            if let property = KombuProperty(name) { message.properties.read(property, name, value) }
        }
        if let text = envelope["body"]?.stringValue, text.utf8.count <= limits.maximumMessageBytes {
            let isBase64 = properties["body_encoding"]?.stringValue == "base64"
            message.body = isBase64 ? (try? Base64.decode(text)) ?? [] : Array(text.utf8)
        }
        return message
    }

    /// An envelope without the parts that hold half a surrogate pair where something depends on them.
    private static func readableParts(of bytes: [UInt8], limits: WireLimits) -> WireObject? {
        guard var envelope = try? WireJSON.decode(bytes, limits: limits, reading: .shown).objectValue else {
            return nil
        }
        for part in ["headers", "properties"] {
            guard let names = envelope[part]?.objectValue else { continue }
            envelope[part] = .object(names.filter { !exactNames.contains($0.key) || !hasReplacement($0.value) })
        }
        if let body = envelope["body"], hasReplacement(body) { envelope["body"] = nil }
        return envelope
    }
}
