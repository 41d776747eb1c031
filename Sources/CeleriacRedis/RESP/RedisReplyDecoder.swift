#if Redis
internal import CHiredis

/// Splits the bytes that a server sends into replies, with hiredis as the RESP parser.
///
/// It belongs to one connection and its event loop: hiredis' reader is not thread-safe.
final class RedisReplyDecoder {
    /// The longest line (status, error, number, length) that is accepted, in bytes.
    static let maximumLine = 64 * 1024
    /// How many bytes the reader is given at a time. It moves the rest of its buffer to the front after each 1,024
    /// consumed bytes, so a large feed costs more than several small ones.
    private static let slice = 4096

    /// Shared by all readers and never changed after it was made, so that reading it from any thread is safe.
    nonisolated(unsafe) private static let functions = makeFunctions()

    private let reader: UnsafeMutablePointer<redisReader>
    private let builder = RedisReplyBuilder()
    private let maximumReply: Int
    /// Bytes that were fed since the last complete reply.
    private var unfinished = 0

    /// Creates a decoder.
    ///
    /// - Parameter maximumReplyBytes: The size of the largest reply that is accepted, at most 1 GiB: hiredis keeps
    ///   some positions as 32-bit numbers.
    init(maximumReplyBytes: Int) throws(RedisError) {
        guard let reader = redisReaderCreateWithFunctions(Self.functions) else {
            throw RedisError(.protocolViolation, "There is no memory for a reply reader.")
        }
        self.reader = reader
        maximumReply = min(max(maximumReplyBytes, 1024), 1 << 30)
        // The builder lives as long as the reader: both belong to this object, and the reader is freed first.
        reader.pointee.privdata = Unmanaged.passUnretained(builder).toOpaque()
    }

    deinit {
        redisReaderFree(reader)
    }

    /// Reads bytes and delivers each reply that they complete, in order. What is left over waits for more.
    ///
    /// - Throws: `protocolViolation` for anything that is not RESP2 and for a reply over the limit; then the decoder
    ///   must not be used again. What `deliver` throws comes through.
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

    /// The next complete reply, `nil` where more bytes are needed.
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
        // What hiredis takes for a lack of memory is a type that the shim refuses.
        let reason =
            if let refusal = builder.refusal {
                refusal
            } else if reader.pointee.err == REDIS_ERR_OOM {
                "A reply has a type of RESP3, which was not asked for, or there is no memory for it."
            } else {
                String(cString: celeriac_reader_error(reader))
            }
        return RedisError(.protocolViolation, "The server did not send RESP2: \(reason)")
    }

    // hiredis calls these for each part of a reply. The object that it is given back is the builder itself, since it
    // only asks whether there is one; NULL makes it fail.
    private static func makeFunctions() -> UnsafeMutablePointer<redisReplyObjectFunctions> {
        var functions = redisReplyObjectFunctions()
        functions.createString = { task, bytes, count in
            guard let task = task?.pointee, let object = task.privdata, let bytes else { return nil }
            let builder = Unmanaged<RedisReplyBuilder>.fromOpaque(object).takeUnretainedValue()
            let text = UnsafeRawBufferPointer(start: bytes, count: count)
            switch task.type {
            case REDIS_REPLY_STRING:
                // hiredis waits for the two bytes behind a bulk string and does not look at them.
                guard bytes[count] == 13, bytes[count + 1] == 10 else {
                    builder.refuse("A bulk string does not end where its length says.")
                    return nil
                }
                builder.add(.bulk(Array(text)))
            case REDIS_REPLY_STATUS:
                builder.add(.status(String(decoding: text, as: UTF8.self)))
            case REDIS_REPLY_ERROR:
                builder.add(.error(RedisServerError(line: String(decoding: text, as: UTF8.self))))
            default:
                builder.refuse("A reply has a type of RESP3, which was not asked for.")
                return nil
            }
            return object
        }
        functions.createArray = { task, count in
            guard let task = task?.pointee, let object = task.privdata else { return nil }
            let builder = Unmanaged<RedisReplyBuilder>.fromOpaque(object).takeUnretainedValue()
            guard task.type == REDIS_REPLY_ARRAY else {
                builder.refuse("A reply has a type of RESP3, which was not asked for.")
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
                builder.refuse("A reply has a type of RESP3, which was not asked for.")
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

/// Puts the parts that hiredis reports, one by one, together to a ``RedisValue``.
///
/// Arrays under construction stand on a stack of their own, so nothing recurses; a count from the wire reserves no
/// memory that the elements behind it do not fill.
final class RedisReplyBuilder {
    /// The deepest nesting of arrays: what hiredis 0.14 reads. Newer versions read more, which no command needs.
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

    /// Adds a value that is complete, and closes the arrays that it completes.
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

    /// Opens an array of `count` elements. Returns `false` where it is nested too deeply.
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

    /// Notes why a part is refused.
    func refuse(_ reason: String) {
        refusal = reason
    }
}
#endif
