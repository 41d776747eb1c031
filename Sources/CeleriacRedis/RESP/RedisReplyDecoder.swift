#if Redis
internal import CHiredis

/// Splits a server's bytes into replies, with hiredis as the RESP parser.
///
/// It belongs to one connection and its event loop: hiredis' reader is not thread-safe.
final class RedisReplyDecoder {
    /// The longest accepted line (status, error, number, length), in bytes.
    static let maximumLine = 64 * 1024
    /// How many bytes the reader is fed at a time. It moves the rest of its buffer to the front after every 1,024
    /// consumed bytes, so one large feed costs more than several small ones.
    private static let slice = 4096

    /// All readers share these functions. They never change once made, so reading them from any thread is safe.
    nonisolated(unsafe) private static let functions = makeFunctions()

    private let reader: UnsafeMutablePointer<redisReader>
    private let builder = RedisReplyBuilder()
    private let maximumReply: Int
    /// How many bytes were fed since the last complete reply.
    private var unfinished = 0

    /// Creates a decoder that accepts replies of at most `maximumReplyBytes`, and never more than 1 GiB: hiredis stores
    /// some positions as 32-bit numbers. Throws `protocolViolation` if there is no memory for the parser.
    init(maximumReplyBytes: Int) throws(RedisError) {
        guard let reader = redisReaderCreateWithFunctions(Self.functions) else {
            throw RedisError(.protocolViolation, "There is no memory for a reply parser.")
        }
        self.reader = reader
        maximumReply = min(max(maximumReplyBytes, 1024), 1 << 30)
        // The builder lives as long as the reader: this object owns both and frees the reader first.
        reader.pointee.privdata = Unmanaged.passUnretained(builder).toOpaque()
    }

    deinit {
        redisReaderFree(reader)
    }

    /// Decodes bytes and delivers each reply that they complete, in order. An incomplete reply waits for more bytes.
    ///
    /// - Throws: `protocolViolation` for anything that is not RESP2 and for a reply over the limit; the decoder must
    ///   not be used after that. Errors from `deliver` pass through.
    func decode(
        _ bytes: UnsafeRawBufferPointer, _ deliver: (RedisValue) throws(RedisError) -> Void
    ) throws(RedisError) {
        var rest = bytes[...]
        while let base = UnsafeRawBufferPointer(rebasing: rest.prefix(Self.slice)).baseAddress, !rest.isEmpty {
            let count = min(rest.count, Self.slice)
            guard redisReaderFeed(reader, base.assumingMemoryBound(to: CChar.self), count) == REDIS_OK else {
                throw failure()
            }
            rest = rest.dropFirst(count)
            unfinished += count
            while let value = try next() {
                unfinished = celeriac_reader_pending(reader)
                try deliver(value)
            }
            guard unfinished <= maximumReply else {
                throw RedisError(.protocolViolation, "A reply is larger than the limit of \(maximumReply) bytes.")
            }
            guard celeriac_reader_line_too_long(reader, Self.maximumLine) == 0 else {
                throw RedisError(.protocolViolation, "The server sent a line of more than \(Self.maximumLine) bytes.")
            }
        }
    }

    /// The next complete reply; `nil` if more bytes are needed.
    private func next() throws(RedisError) -> RedisValue? {
        var object: UnsafeMutableRawPointer?
        guard redisReaderGetReply(reader, &object) == REDIS_OK else { throw failure() }
        guard object != nil else { return nil }
        guard let value = builder.takeReply() else {
            throw RedisError(.protocolViolation, "The server sent an incomplete reply.")
        }
        return value
    }

    private func failure() -> RedisError {
        // hiredis reports a lack of memory when the shim refuses a type.
        let reason =
            if let refusal = builder.refusal {
                refusal
            } else if reader.pointee.err == REDIS_ERR_OOM {
                "A reply has an RESP3 type, which was not requested, or there is no memory for it."
            } else {
                String(cString: celeriac_reader_error(reader))
            }
        return RedisError(.protocolViolation, "The server did not send RESP2: \(reason)")
    }

    // hiredis calls these functions for each part of a reply. They return the builder itself as the part's object,
    // since hiredis only checks that there is one; NULL makes it fail.
    private static func makeFunctions() -> UnsafeMutablePointer<redisReplyObjectFunctions> {
        var functions = redisReplyObjectFunctions()
        functions.createString = { task, bytes, count in
            guard let task = task?.pointee, let object = task.privdata, let bytes else { return nil }
            let builder = Unmanaged<RedisReplyBuilder>.fromOpaque(object).takeUnretainedValue()
            let text = UnsafeRawBufferPointer(start: bytes, count: count)
            switch task.type {
            case REDIS_REPLY_STRING:
                // hiredis waits for the two bytes after a bulk string but does not check them.
                guard bytes[count] == 13, bytes[count + 1] == 10 else {
                    builder.refuse("A bulk string does not end where its length says it should.")
                    return nil
                }
                builder.add(.bulk(Array(text)))
            case REDIS_REPLY_STATUS:
                builder.add(.status(String(decoding: text, as: UTF8.self)))
            case REDIS_REPLY_ERROR:
                builder.add(.error(RedisServerError(line: String(decoding: text, as: UTF8.self))))
            default:
                builder.refuse("A reply has an RESP3 type, which was not requested.")
                return nil
            }
            return object
        }
        functions.createArray = { task, count in
            guard let task = task?.pointee, let object = task.privdata else { return nil }
            let builder = Unmanaged<RedisReplyBuilder>.fromOpaque(object).takeUnretainedValue()
            guard task.type == REDIS_REPLY_ARRAY else {
                builder.refuse("A reply has an RESP3 type, which was not requested.")
                return nil
            }
            return builder.openArray(count: Int(count)) ? object : nil
        }
        functions.createInteger = { task, number in
            guard let object = task?.pointee.privdata else { return nil }
            Unmanaged<RedisReplyBuilder>.fromOpaque(object).takeUnretainedValue().add(.integer(number))
            return object
        }
        functions.createNil = { task in
            guard let task = task?.pointee, let object = task.privdata else { return nil }
            let builder = Unmanaged<RedisReplyBuilder>.fromOpaque(object).takeUnretainedValue()
            guard task.type == REDIS_REPLY_STRING || task.type == REDIS_REPLY_ARRAY else {
                builder.refuse("A reply has an RESP3 type, which was not requested.")
                return nil
            }
            builder.add(.null)
            return object
        }
        celeriac_reader_refuse_resp3(&functions)
        let shared = UnsafeMutablePointer<redisReplyObjectFunctions>.allocate(capacity: 1)
        shared.initialize(to: functions)
        return shared
    }
}

/// Assembles the parts that hiredis reports, one by one, into a ``RedisValue``.
///
/// Unfinished arrays are on an explicit stack, so nothing recurses. A count from the wire does not reserve memory
/// before the elements arrive.
final class RedisReplyBuilder {
    /// The deepest nesting of arrays, which is that of hiredis 0.14. Newer versions accept more, which no command
    /// needs.
    static let maximumDepth = 8

    private struct OpenArray {
        var remaining: Int
        var elements: [RedisValue]
    }

    private var open: [OpenArray] = []
    private var finished: RedisValue?
    /// Why the last part was refused.
    private(set) var refusal: String?

    /// Takes the finished reply out of the builder.
    func takeReply() -> RedisValue? {
        finished.take()
    }

    /// Adds a complete value, and closes the arrays that it completes.
    func add(_ value: RedisValue) {
        var value = value
        while let top = open.indices.last {
            open[top].elements.append(value)
            open[top].remaining -= 1
            guard open[top].remaining == 0 else { return }
            value = .array(open.removeLast().elements)
        }
        finished = value
    }

    /// Opens an array of `count` elements. Returns `false` if it is nested too deeply.
    func openArray(count: Int) -> Bool {
        guard open.count < Self.maximumDepth else {
            refuse("Arrays are nested deeper than \(Self.maximumDepth) levels.")
            return false
        }
        if count > 0 {
            var elements: [RedisValue] = []
            elements.reserveCapacity(min(count, 64))
            open.append(OpenArray(remaining: count, elements: elements))
        } else {
            add(.array([]))
        }
        return true
    }

    /// Records why a part is refused.
    func refuse(_ reason: String) {
        refusal = reason
    }
}
#endif
