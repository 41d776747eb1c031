package import CeleriacWire

extension CeleryTaskMessage {
    /// Decodes a task message that may be signed. One that is has the serializer `auth`.
    ///
    /// - Parameters:
    ///   - message: The message from a transport.
    ///   - accept: The serializers to accept.
    ///   - security: What verifies signatures; nil if there are no keys.
    ///   - limits: The limits for the body.
    /// - Returns: The task message.
    /// - Throws: What ``decode(_:accept:limits:)`` and `WireMessage.opened` throw.
    package static func decode(
        _ message: WireMessage, accept: Set<CelerySerializer>, security: (any MessageSecurity)?, limits: WireLimits
    ) throws(CeleryWireError) -> CeleryTaskMessage {
        guard message.isSigned else { return try decode(message, accept: accept, limits: limits) }
        let inner = try message.opened(by: security, accept: accept, limits: limits)
        var task = try decode(inner, accept: SignedBody.contentForms, limits: inner.limits(limits, inside: message))
        // What is made of this message, a retry for instance, is signed and compressed as it was.
        task.serializer = .auth
        task.compression = try CompressionMethod(header: message.headers["compression"])
        return task
    }

    /// Reads what can be read of a message that ``decode(_:accept:security:limits:)`` refuses. Nothing is read of a body
    /// whose signature is not verified.
    package static func remains(
        of message: WireMessage, accept: Set<CelerySerializer>, security: (any MessageSecurity)?, limits: WireLimits
    ) -> (task: CeleryTaskMessage, lacksBody: Bool, isForeign: Bool)? {
        guard message.isSigned, let inner = try? message.opened(by: security, accept: accept, limits: limits) else {
            return remains(of: message, accept: accept, limits: limits)
        }
        var found = remains(
            of: inner, accept: SignedBody.contentForms, limits: inner.limits(limits, inside: message))
        found?.task.serializer = .auth
        return found
    }

    /// Encodes the message, and signs its body, which is JSON, if its serializer is `auth`.
    ///
    /// - Throws: What ``encode(protocolVersion:representation:nonFinite:limits:)`` and `WireMessage.signed` throw.
    package func encode(
        protocolVersion: Int, representation: PythonRepr = PythonRepr(), nonFinite: NonFinitePolicy,
        security: (any MessageSecurity)?, limits: WireLimits
    ) throws(CeleryWireError) -> WireMessage {
        guard serializer == .auth else {
            return try encode(
                protocolVersion: protocolVersion, representation: representation, nonFinite: nonFinite, limits: limits)
        }
        var plain = self
        plain.serializer = serializer.contentForm
        plain.compression = nil
        var message = try plain.encode(
            protocolVersion: protocolVersion, representation: representation, nonFinite: nonFinite, limits: limits
        ).signed(by: security)
        if let compression {
            message.body = try compression.compressBody(message.body)
            message.headers["compression"] = .string(compression.celeryMIMEType)
        }
        return message
    }
}

extension WireMessage {
    /// The limits of a message out of a signed one: a body that was compressed may be as large as any such.
    fileprivate func limits(_ limits: WireLimits, inside outer: WireMessage) -> WireLimits {
        guard outer.headers["compression"]?.isTruthy == true else { return limits }
        var inner = limits
        inner.maximumMessageBytes = limits.maximumDecompressedBytes
        return inner
    }
}
