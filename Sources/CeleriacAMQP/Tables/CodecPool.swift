#if AMQP

internal import CRabbitMQ

/// The memory that librabbitmq decodes into, and in which values are laid out for it to encode.
///
/// Allocations live until `recycle()`, so decoding code must copy what it keeps. The pool is not thread-safe: each
/// connection has its own and uses it only on its event loop.
final class CodecPool {
    let pool: UnsafeMutablePointer<amqp_pool_t>

    init() {
        pool = .allocate(capacity: 1)
        pool.initialize(to: amqp_pool_t())
        init_amqp_pool(pool, 16384)
    }

    deinit {
        empty_amqp_pool(pool)
        pool.deallocate()
    }

    /// Releases everything allocated since the last call.
    func recycle() {
        recycle_amqp_pool(pool)
    }

    /// Memory for `count` C values, uninitialized.
    func allocate<T>(_ type: T.Type, count: Int) throws(AMQPError) -> UnsafeMutablePointer<T> {
        guard count > 0, let memory = amqp_pool_alloc(pool, count * MemoryLayout<T>.stride) else {
            throw .invalid("there is no memory to encode it")
        }
        return memory.bindMemory(to: T.self, capacity: count)
    }

    /// A copy of the text's UTF-8 bytes.
    func copy(_ text: String) throws(AMQPError) -> amqp_bytes_t {
        var text = text
        return try stored(text.withUTF8 { store(UnsafeRawBufferPointer($0)) })
    }

    /// A copy of the bytes.
    func copy(_ bytes: [UInt8]) throws(AMQPError) -> amqp_bytes_t {
        try stored(bytes.withUnsafeBytes { store($0) })
    }

    /// A copy of a text that AMQP carries as a short string.
    func copyShort(_ text: String, _ name: StaticString) throws(AMQPError) -> amqp_bytes_t {
        let bytes = try copy(text)
        guard bytes.len <= 255 else {
            throw .invalid("its \(name) has \(bytes.len) bytes of UTF-8, and AMQP carries at most 255")
        }
        return bytes
    }

    private func store(_ source: UnsafeRawBufferPointer) -> amqp_bytes_t? {
        guard let base = source.baseAddress, source.count > 0 else { return amqp_bytes_t() }
        guard let target = amqp_pool_alloc(pool, source.count) else { return nil }
        target.copyMemory(from: base, byteCount: source.count)
        return amqp_bytes_t(len: source.count, bytes: target)
    }

    private func stored(_ bytes: amqp_bytes_t?) throws(AMQPError) -> amqp_bytes_t {
        guard let bytes else { throw .invalid("there is no memory to encode it") }
        return bytes
    }
}

extension AMQPError {
    /// The error for a message or argument that cannot be sent; nothing was sent.
    static func invalid(_ reason: String) -> AMQPError {
        AMQPError(.invalidMessage, "AMQP cannot carry this: \(reason).", nothingSent: true)
    }
}

#endif
