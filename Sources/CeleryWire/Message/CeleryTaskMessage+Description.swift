package import CeleriacWire

extension CeleryTaskMessage {
    /// Describes one message for the command `celeriac decode`.
    ///
    /// The input is a Redis or filesystem envelope or, for AMQP,
    /// `{"properties": {…}, "headers": {…}, "body_base64": "…"}`, where properties have their AMQP names
    /// (`content_type`, `correlation_id`, …).
    ///
    /// - Throws: `CeleryWireError`, like `KombuEnvelope.decode` and `decode`.
    package static func describe(
        _ input: [UInt8], accept: Set<CelerySerializer> = [.json, .msgpack, .yaml], limits: WireLimits = .default
    ) throws(CeleryWireError) -> WireObject {
        let value: WireValue
        do throws(WireError) {
            value = try WireJSON.decode(input, limits: limits)
        } catch {
            throw CeleryWireError(.malformedEnvelope, "the input is not JSON", cause: error)
        }
        let message = value["body_base64"] == nil ? try KombuEnvelope(value).message : try amqpMessage(value)
        return try description(of: message, properties: value["properties"], accept: accept, limits: limits)
    }

    /// Describes one message for the command `celeriac decode`.
    ///
    /// - Throws: `CeleryWireError`, like `decode`.
    package static func description(
        of message: WireMessage, accept: Set<CelerySerializer> = [.json, .msgpack, .yaml], limits: WireLimits = .default
    ) throws(CeleryWireError) -> WireObject {
        try description(
            of: message, properties: .object(message.properties.amqpNames), accept: accept, limits: limits)
    }

    private static func description(
        of message: WireMessage, properties: WireValue?, accept: Set<CelerySerializer>, limits: WireLimits
    ) throws(CeleryWireError) -> WireObject {
        let (task, source) = try decodeWithSource(message, accept: accept, limits: limits)
        func field(_ name: String) throws(CeleryWireError) -> WireValue {
            try printable(source.fields[name] ?? .null)
        }
        func follower(_ value: WireValue?) throws(CeleryWireError) -> WireValue {
            try printable(value ?? .null)
        }
        return [
            "dialect": "celery",
            "protocol": .int(Int64(task.protocolVersion)),
            "id": .string(task.id),
            "task": .string(task.task),
            "args": try printable(.array(task.args)),
            "kwargs": try printable(.object(task.kwargs)),
            "eta": try field("eta"),
            "expires": try field("expires"),
            "retries": try field("retries"),
            "timelimit": try field("timelimit"),
            "group": try field("group"),
            "group_index": try field("group_index"),
            "root_id": try field("root_id"),
            "parent_id": try field("parent_id"),
            "ignore_result": try field("ignore_result"),
            "callbacks": try follower(task.embed.callbacks),
            "errbacks": try follower(task.embed.errbacks),
            "chain": try follower(task.embed.chain),
            "chord": try follower(task.embed.chord),
            "headers": try printable(.object(message.headers)),
            "properties": try printable(properties ?? .object([:])),
            "content_type": message.properties.contentType.map { .string($0) } ?? .null,
            "compression": message.headers["compression"] ?? .null,
        ]
    }

    /// Returns the value with base64 envelopes in place of bytes, which JSON cannot carry.
    private static func printable(_ value: WireValue) throws(CeleryWireError) -> WireValue {
        do throws(WireError) {
            return try value.replacingBytes(with: TypeEnvelope.base64)
        } catch {
            throw CeleryWireError(.unrepresentable, "the message cannot be printed as JSON", cause: error)
        }
    }

    private static func amqpMessage(_ value: WireValue) throws(CeleryWireError) -> WireMessage {
        guard case .string(let base64)? = value["body_base64"] else {
            throw .malformed("body_base64", "must be text")
        }
        var message = WireMessage()
        do throws(WireError) {
            message.body = try Base64.decode(base64)
        } catch {
            throw CeleryWireError(.malformedEnvelope, "not base64", field: "body_base64", cause: error)
        }
        switch value["headers"] {
        case .object(let headers)?: message.headers = headers
        case .null?, nil: break
        default: throw .malformed("headers", "must be an object")
        }
        switch value["properties"] {
        case .object(let properties)?:
            for (name, value) in properties {
                message.properties.read(amqpName: name, value)
            }
        case .null?, nil: break
        default: throw .malformed("properties", "must be an object")
        }
        return message
    }
}

extension MessageProperties {
    fileprivate mutating func read(amqpName name: String, _ value: WireValue) {
        switch (name, value) {
        case ("content_type", .string(let text)): contentType = text
        case ("content_encoding", .string(let text)): contentEncoding = text
        default:
            if let property = KombuProperty(name) {
                read(property, name, value)
            } else {
                other[name] = value
            }
        }
    }

    /// The properties that are set, under their AMQP names.
    fileprivate var amqpNames: WireObject {
        var object: WireObject = [:]
        func set(_ name: String, _ text: String?) {
            if let text { object[name] = .string(text) }
        }
        set("content_type", contentType)
        set("content_encoding", contentEncoding)
        if let deliveryMode { object["delivery_mode"] = .int(Int64(deliveryMode)) }
        if let priority { object["priority"] = .int(Int64(priority)) }
        set("correlation_id", correlationID)
        set("reply_to", replyTo)
        set("expiration", expiration)
        set("message_id", messageID)
        if let timestamp { object["timestamp"] = Int64(exactly: timestamp).map { .int($0) } ?? .null }
        set("type", type)
        set("user_id", userID)
        set("app_id", appID)
        object.merge(other) { own, _ in own }
        return object
    }
}
