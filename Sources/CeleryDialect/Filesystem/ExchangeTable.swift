import CeleriacQueues
import CeleriacWire
import Glibc

/// An exchange's bindings as kombu's file transport keeps them: a file of `[routing key, pattern, queue]`, the newest
/// first, locked while it is read or written. Calls block while another process has the lock.
struct ExchangeTable: Sendable {
    /// A binding. The pattern of a topic exchange is a Python regular expression.
    struct Binding: Sendable, Hashable {
        var routingKey: String
        var pattern: String
        var queue: String
    }

    private let path: String
    private let folder: String

    init(_ exchange: String, controlFolder: String) {
        folder = controlFolder
        path = "\(controlFolder)/\(exchange).exchange"
    }

    /// Reads the bindings; none if the exchange has no file.
    func bindings() throws -> [Binding] {
        guard let descriptor = try locked(O_RDONLY, LOCK_SH) else { return [] }
        defer { close(descriptor) }
        return try Self.decode(FileStore.read(descriptor: descriptor, path))
    }

    func add(_ binding: Binding) throws {
        try FileStore.makeFolder(folder)
        try change(O_RDWR | O_CREAT) { bindings in
            if !bindings.contains(binding) { bindings.insert(binding, at: 0) }
        }
    }

    func remove(_ binding: Binding) throws {
        try change(O_RDWR) { bindings in bindings.removeAll { $0 == binding } }
    }

    /// Rewrites the file in place, because processes that wait for the lock wait for this file and not for its name.
    private func change(_ flags: Int32, _ change: (inout [Binding]) -> Void) throws {
        guard let descriptor = try locked(flags, LOCK_EX) else { return }
        defer { close(descriptor) }
        let before = try Self.decode(FileStore.read(descriptor: descriptor, path))
        var bindings = before
        change(&bindings)
        if bindings == before, !before.isEmpty { return }
        let value = WireValue.array(
            bindings.map { [.string($0.routingKey), .string($0.pattern), .string($0.queue)] })
        let bytes = try WireJSON.encode(value, style: .python)
        let written = bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        guard written == bytes.count, ftruncate(descriptor, off_t(bytes.count)) == 0 else {
            throw FileStore.failure("write", path)
        }
    }

    /// Opens the file and takes its lock; returns nil if there is no file.
    private func locked(_ flags: Int32, _ operation: Int32) throws -> Int32? {
        let descriptor = open(path, flags | O_CLOEXEC | O_NONBLOCK, 0o644)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw FileStore.failure("open", path)
        }
        while flock(descriptor, operation) != 0 {
            if errno == EINTR { continue }
            close(descriptor)
            throw FileStore.failure("lock", path)
        }
        return descriptor
    }

    /// Reads the table. A file that was just made is empty; entries of another form are skipped.
    private static func decode(_ bytes: [UInt8]) throws -> [Binding] {
        if bytes.isEmpty { return [] }
        return (try WireJSON.decode(bytes).arrayValue ?? []).compactMap { entry in
            guard let routingKey = entry[0]?.stringValue, let pattern = entry[1]?.stringValue,
                let queue = entry[2]?.stringValue
            else { return nil }
            return Binding(routingKey: routingKey, pattern: pattern, queue: queue)
        }
    }
}
