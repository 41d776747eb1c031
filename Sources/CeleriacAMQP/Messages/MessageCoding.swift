#if AMQP

internal import CRabbitMQ
internal import CeleriacWire

/// Converts between basic properties with headers and the property list of a content header frame, through librabbitmq.
enum MessageCoding {
    /// Lays out a message's properties for librabbitmq. There is always a header table, as with kombu, unless
    /// `omitsEmptyHeaders` is true.
    ///
    /// - Returns: The properties, and an upper bound of their encoded size.
    static func properties(
        of message: WireMessage, omitsEmptyHeaders: Bool = false, in pool: CodecPool
    ) throws(AMQPError) -> (amqp_basic_properties_t, size: Int) {
        let source = message.properties
        var target = amqp_basic_properties_t()
        var size = 2 + MemoryLayout<amqp_basic_properties_t>.size
        func put(
            _ text: String?, _ flag: Int32, _ name: StaticString
        ) throws(AMQPError) -> amqp_bytes_t {
            guard let text else { return amqp_bytes_t() }
            let bytes = try pool.copyShort(text, name)
            target._flags |= amqp_flags_t(bitPattern: flag)
            size += bytes.len
            return bytes
        }
        target.content_type = try put(source.contentType, AMQP_BASIC_CONTENT_TYPE_FLAG, "content type")
        target.content_encoding = try put(source.contentEncoding, AMQP_BASIC_CONTENT_ENCODING_FLAG, "content encoding")
        if !(omitsEmptyHeaders && message.headers.isEmpty) {
            let (headers, headersSize) = try FieldTable.table(message.headers, in: pool)
            target.headers = headers
            target._flags |= amqp_flags_t(bitPattern: AMQP_BASIC_HEADERS_FLAG)
            size += headersSize
        }
        if let deliveryMode = source.deliveryMode {
            target.delivery_mode = deliveryMode
            target._flags |= amqp_flags_t(bitPattern: AMQP_BASIC_DELIVERY_MODE_FLAG)
        }
        if let priority = source.priority {
            target.priority = priority
            target._flags |= amqp_flags_t(bitPattern: AMQP_BASIC_PRIORITY_FLAG)
        }
        target.correlation_id = try put(source.correlationID, AMQP_BASIC_CORRELATION_ID_FLAG, "correlation id")
        target.reply_to = try put(source.replyTo, AMQP_BASIC_REPLY_TO_FLAG, "reply-to")
        target.expiration = try put(source.expiration, AMQP_BASIC_EXPIRATION_FLAG, "expiration")
        target.message_id = try put(source.messageID, AMQP_BASIC_MESSAGE_ID_FLAG, "message id")
        if let timestamp = source.timestamp {
            target.timestamp = timestamp
            target._flags |= amqp_flags_t(bitPattern: AMQP_BASIC_TIMESTAMP_FLAG)
        }
        target.type = try put(source.type, AMQP_BASIC_TYPE_FLAG, "type")
        target.user_id = try put(source.userID, AMQP_BASIC_USER_ID_FLAG, "user id")
        target.app_id = try put(source.appID, AMQP_BASIC_APP_ID_FLAG, "app id")
        return (target, size)
    }

    /// Decodes the property flags and list of a content header frame (its payload after the first twelve bytes).
    static func message(
        fromProperties bytes: UnsafeRawBufferPointer, pool: CodecPool
    ) throws(AMQPError) -> WireMessage {
        try inspect(bytes)
        defer { pool.recycle() }
        var decoded: UnsafeMutableRawPointer?
        let encoded = amqp_bytes_t(len: bytes.count, bytes: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
        guard amqp_decode_properties(0x3C, pool.pool, encoded, &decoded) >= 0, let decoded else {
            throw .violation("a message's properties are cut off")
        }
        let source = decoded.load(as: amqp_basic_properties_t.self)
        func has(_ flag: Int32) -> Bool { source._flags & amqp_flags_t(bitPattern: flag) != 0 }
        func text(_ bytes: amqp_bytes_t, _ flag: Int32) throws(AMQPError) -> String? {
            guard has(flag) else { return nil }
            guard let text = FieldTable.text(bytes) else { throw .violation("a message's property is not UTF-8") }
            return text
        }
        var message = WireMessage()
        if has(AMQP_BASIC_HEADERS_FLAG) { message.headers = try FieldTable.object(source.headers) }
        message.properties.contentType = try text(source.content_type, AMQP_BASIC_CONTENT_TYPE_FLAG)
        message.properties.contentEncoding = try text(source.content_encoding, AMQP_BASIC_CONTENT_ENCODING_FLAG)
        if has(AMQP_BASIC_DELIVERY_MODE_FLAG) { message.properties.deliveryMode = source.delivery_mode }
        if has(AMQP_BASIC_PRIORITY_FLAG) { message.properties.priority = source.priority }
        message.properties.correlationID = try text(source.correlation_id, AMQP_BASIC_CORRELATION_ID_FLAG)
        message.properties.replyTo = try text(source.reply_to, AMQP_BASIC_REPLY_TO_FLAG)
        message.properties.expiration = try text(source.expiration, AMQP_BASIC_EXPIRATION_FLAG)
        message.properties.messageID = try text(source.message_id, AMQP_BASIC_MESSAGE_ID_FLAG)
        if has(AMQP_BASIC_TIMESTAMP_FLAG) { message.properties.timestamp = source.timestamp }
        message.properties.type = try text(source.type, AMQP_BASIC_TYPE_FLAG)
        message.properties.userID = try text(source.user_id, AMQP_BASIC_USER_ID_FLAG)
        message.properties.appID = try text(source.app_id, AMQP_BASIC_APP_ID_FLAG)
        return message
    }

    /// Checks what librabbitmq trusts blindly: the flags, and the nesting of the header table.
    private static func inspect(_ bytes: UnsafeRawBufferPointer) throws(AMQPError) {
        guard bytes.count >= 2 else { throw .violation("a message's properties are cut off") }
        let flags = Int32(UInt16(bigEndian: bytes.loadUnaligned(as: UInt16.self)))
        // The basic class has fourteen properties, so a second flag word, or bit 1, has no meaning.
        guard flags & 0b11 == 0 else { throw .violation("a message has unknown properties") }
        guard flags & AMQP_BASIC_HEADERS_FLAG != 0 else { return }
        var offset = 2
        for flag in [AMQP_BASIC_CONTENT_TYPE_FLAG, AMQP_BASIC_CONTENT_ENCODING_FLAG] where flags & flag != 0 {
            guard offset < bytes.count else { throw .violation("a message's properties are cut off") }
            offset += 1 + Int(bytes[offset])
        }
        _ = try TableInspector.endOfTable(in: bytes, at: offset)
    }
}

#endif
