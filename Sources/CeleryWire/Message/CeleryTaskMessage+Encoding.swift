public import CeleriacWire

extension CeleryTaskMessage {
    /// Encodes the message as Celery 5.7 does: the same headers in the same order, and the same bytes in the body.
    ///
    /// Properties that Celery always sends get Celery's values unless they are set: `correlation_id` the task's id,
    /// `reply_to` empty, `delivery_mode` persistent, `priority` 0. The caller sets `expiration`, which depends on the
    /// time; see ``CeleryTime/expiration(expires:now:)``.
    ///
    /// - Parameters:
    ///   - protocolVersion: 2, or 1 for peers that know only protocol 1. Like Celery, protocol 1 leaves out stamps,
    ///     `shadow`, `root_id`, `parent_id` and `ignore_result`.
    ///   - representation: How to show arguments if `argsrepr` and `kwargsrepr` are not set.
    ///   - nonFinite: Whether to write NaN and the infinities, which only lenient readers such as Python's accept.
    ///   - limits: How deep the arguments may be nested.
    /// - Returns: The message for a transport.
    /// - Throws: `CeleryWireError`: `unrepresentable`, `unknownCompression`, `pickleRefused`, `invalidTask` for an
    ///   empty id or name and for invalid limits or signatures.
    public func encode(
        protocolVersion: Int = 2,
        representation: PythonRepr = PythonRepr(),
        nonFinite: NonFinitePolicy = .refuse,
        limits: WireLimits = .default
    ) throws(CeleryWireError) -> WireMessage {
        try checkRequiredFields()
        try embed.check()
        try timeLimit.check()
        let body: WireValue
        var headers: WireObject
        switch protocolVersion {
        case 2:
            headers = headersOfProtocol2(representation)
            body = .array([.array(args), .object(kwargs), .object(embed.object)])
        case 1:
            headers = [:]
            body = .object(try bodyOfProtocol1())
        default:
            throw CeleryWireError(.unrepresentable, "Celery has the protocols 1 and 2")
        }
        for (name, value) in otherHeaders {
            guard TaskField(name) == nil else {
                throw CeleryWireError(.unrepresentable, "Celery itself uses this header", field: name)
            }
            headers[name] = value
        }
        var bytes = try serializer.encode(body, nonFinite: nonFinite, limits: limits)
        if let compression {
            bytes = try compression.compressBody(bytes)
            headers["compression"] = .string(compression.celeryMIMEType)
        }
        return WireMessage(headers: headers, properties: completeProperties, body: bytes)
    }

    private var completeProperties: MessageProperties {
        var properties = properties
        properties.contentType = serializer.contentType
        properties.contentEncoding = serializer.contentEncoding
        if properties.correlationID == nil { properties.correlationID = id }
        if properties.replyTo == nil { properties.replyTo = "" }
        if properties.deliveryMode == nil { properties.deliveryMode = 2 }
        if properties.priority == nil, properties.other["priority"] == nil { properties.priority = 0 }
        return properties
    }

    // MARK: Protocol 2

    /// All headers with null values. Copying this and replacing values avoids building a hash table for each message.
    private static let headerTemplate = WireObject(
        TaskField.headerNames.map { ($0, WireValue.null) })

    private func headersOfProtocol2(_ representation: PythonRepr) -> WireObject {
        var headers = Self.headerTemplate
        func set(_ field: TaskField, _ value: WireValue) {
            headers.setValue(value, at: field.rawValue)
        }
        set(.lang, .string(lang ?? "swift"))
        set(.task, .string(task))
        set(.id, .string(id))
        if let shadow { set(.shadow, .string(shadow)) }
        if let eta { set(.eta, .string(eta)) }
        if let expires { set(.expires, .string(expires)) }
        if let group { set(.group, .string(group)) }
        if let groupIndex { set(.groupIndex, .int(Int64(groupIndex))) }
        set(.retries, .int(Int64(retries)))
        set(.timeLimit, timeLimit.wireValue)
        set(.rootID, .string(rootID ?? id))
        if let parentID { set(.parentID, .string(parentID)) }
        set(.argsrepr, .string(argsrepr ?? representation.text(args: args)))
        set(.kwargsrepr, .string(kwargsrepr ?? representation.text(kwargs: kwargs)))
        if let origin { set(.origin, .string(origin)) }
        if let ignoreResult { set(.ignoreResult, .bool(ignoreResult)) }
        set(.replacedTaskNesting, .int(Int64(replacedTaskNesting)))
        if let stampedHeaders { set(.stampedHeaders, .array(stampedHeaders.map { .string($0) })) }
        set(.stamps, .object(stamps))
        return headers
    }

    // MARK: Protocol 1

    private func bodyOfProtocol1() throws(CeleryWireError) -> WireObject {
        if case .array(let signatures)? = embed.chain, !signatures.isEmpty {
            throw CeleryWireError(
                .unrepresentable, "protocol 1 has no chains; make each step the callback of the previous one",
                field: "chain")
        }
        let group = group.map { WireValue.string($0) } ?? .null
        return [
            "task": .string(task),
            "id": .string(id),
            "args": .array(args),
            "kwargs": .object(kwargs),
            "group": group,
            "group_index": groupIndex.map { .int(Int64($0)) } ?? .null,
            "retries": .int(Int64(retries)),
            "eta": eta.map { .string($0) } ?? .null,
            "expires": expires.map { .string($0) } ?? .null,
            "utc": .bool(utc),
            "callbacks": embed.callbacks ?? .null,
            "errbacks": embed.errbacks ?? .null,
            "timelimit": timeLimit.wireValue,
            "taskset": group,
            "chord": embed.chord ?? .null,
        ]
    }
}
