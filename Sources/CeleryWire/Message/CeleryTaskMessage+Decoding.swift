public import CeleriacWire

extension CeleryTaskMessage {
    /// Decodes a task message of either protocol.
    ///
    /// What a Celery worker tolerates is tolerated: every header may be absent but the id and the name of the task. What
    /// a Python worker would fail on is refused with an error that names the field.
    ///
    /// - Parameters:
    ///   - message: The message as a transport gives it.
    ///   - accept: The serializers that may be read, as Celery's `accept_content`. Pickle is refused even here.
    ///   - limits: How much is accepted of the body.
    /// - Throws: `CeleryWireError`: `disallowedContentType`, `pickleRefused`, `unknownCompression`, `undecodableBody`,
    ///   `notATask`, `invalidTask`.
    public static func decode(
        _ message: WireMessage, accept: Set<CelerySerializer> = [.json], limits: WireLimits = .default
    ) throws(CeleryWireError) -> CeleryTaskMessage {
        try decodeWithSource(message, accept: accept, limits: limits).task
    }

    /// Decodes a message and gives, beside the result, the parts it was read from.
    static func decodeWithSource(
        _ message: WireMessage, accept: Set<CelerySerializer>, limits: WireLimits
    ) throws(CeleryWireError) -> (task: CeleryTaskMessage, source: RawTask) {
        let serializer = try CelerySerializer.accepted(message.properties.contentType, in: accept)
        let compression = try CeleryCompression(header: message.headers["compression"])
        let body = try serializer.decodeBody(message.body, compression: compression, limits: limits)
        let source = try RawTask.parse(headers: message.headers, body: body)

        var task = CeleryTaskMessage(
            protocolVersion: source.protocolVersion, serializer: serializer, properties: message.properties)
        task.compression = compression
        if source.protocolVersion == 2 {
            for (name, value) in source.fields {
                if let field = TaskField(name) {
                    try task.read(field, value)
                } else {
                    task.otherHeaders[name] = value
                }
            }
        } else {
            for (name, value) in source.fields {
                if let field = TaskField(name) { try task.read(field, value) }
            }
            task.utc = source.fields["utc"]?.isTruthy ?? true
            task.otherHeaders = message.headers.filter { TaskField($0.key) == nil }
        }
        try task.checkRequiredFields()
        try task.readArguments(source.args, source.kwargs)
        task.embed = try CeleryEmbed(parts: source.embed)
        return (task, source)
    }
}
