package import CeleriacWire

extension CeleryTaskMessage {
    /// Reads what can be read of a message that ``decode(_:accept:limits:)`` refuses: from the headers what protocol 2
    /// has there, and from the body if that can be parsed. A field that cannot be read counts as absent.
    ///
    /// - Parameters:
    ///   - message: The message, or those parts of it that could be read.
    ///   - accept: The serializers to accept.
    ///   - limits: The limits for the body.
    /// - Returns: The task, whether its body could not be parsed, and whether that is because the body is in a form
    ///   that only this reader does not accept; `nil` if the message is no task or its id cannot be read.
    package static func remains(
        of message: WireMessage, accept: Set<CelerySerializer>, limits: WireLimits
    ) -> (task: CeleryTaskMessage, lacksBody: Bool, isForeign: Bool)? {
        var serializer = CelerySerializer.json
        var body: WireValue?
        var isForeign = false
        do {
            serializer = try CelerySerializer.accepted(message.properties.contentType, in: accept)
            let compression = try CompressionMethod(header: message.headers["compression"])
            body = try serializer.decodeBody(message.body, compression: compression, limits: limits)
        } catch {
            isForeign = [.disallowedContentType, .pickleRefused, .unknownCompression].contains(error.code)
        }
        let parsed = body.flatMap { try? RawTask.parse(headers: message.headers, body: $0) }
        let source =
            parsed
            ?? RawTask(protocolVersion: 2, fields: message.headers, args: .null, kwargs: .null, embed: [:])
        var task = CeleryTaskMessage(
            protocolVersion: source.protocolVersion, serializer: serializer, properties: message.properties)
        for (name, value) in source.fields {
            if let field = TaskField(name) { try? task.read(field, value) }
        }
        guard source.fields["task"] != nil, !task.id.isEmpty else { return nil }
        try? task.readArguments(source.args, source.kwargs)
        for (key, value) in source.embed {
            guard let part = try? CeleryEmbed(parts: [key: value]) else { continue }
            task.embed.callbacks = part.callbacks ?? task.embed.callbacks
            task.embed.errbacks = part.errbacks ?? task.embed.errbacks
            task.embed.chain = part.chain ?? task.embed.chain
            task.embed.chord = part.chord ?? task.embed.chord
        }
        return (task, parsed == nil, isForeign)
    }
}
