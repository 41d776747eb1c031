import CeleriacCore
import CeleriacQueues
import CeleriacWire
import CeleryWire

import struct FoundationEssentials.Date

/// The messages parked from one queue of a folder: a folder beside the queue's files, with a record for each message.
///
/// A message's id is its record's file name without `.json`. Beside the record of a file that could not be read lies
/// the file itself.
struct FilesystemParkedMessages: Sendable {
    private let folder: String
    private let queue: String
    private let limits: WireLimits
    private var parked: String { "\(folder)/\(queue).parked" }

    init(folder: String, queue: String, limits: WireLimits) {
        self.folder = folder
        self.queue = queue
        self.limits = limits
    }

    /// Parks a message, and moves it from `file` if its content could not be read.
    func park(_ record: ParkedMessage, file: String, unread: Bool) throws(CeleriacError) {
        // Whoever puts it back puts it back uncounted.
        var id = FileAttempts.name(
            String(file[(file.lastIndex(of: "/").map(file.index(after:)) ?? file.startIndex)...]), counting: nil)
        // A file's name has at most 255 bytes, and the record's name adds an ending.
        if id.utf8.count > 250 { id = "\(String(decoding: id.utf8.prefix(200), as: UTF8.self))-\(randomUUID())" }
        try FileStore.makeFolder(parked)
        try FileStore.write(
            ParkedMessageFormat.celery.encode(record), to: recordFile(of: id), temporaryName: ".\(randomUUID()).tmp")
        if unread {
            try FileStore.move(file, to: "\(parked)/\(id)")
        } else {
            try FileStore.remove(file)
        }
    }

    /// As ``MessageBroker/parkedMessages(in:after:limit:)``.
    func list(after id: String?, limit: Int) throws -> [ParkedMessage] {
        guard FileStore.exists(parked) else { return [] }
        // The names begin with the time at which the message was written.
        let ids = try FileStore.names(in: parked).filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }
        return Array(
            ids.sorted().lazy.filter { name in id.map { name > $0 } ?? true }.compactMap(read).prefix(max(0, limit)))
    }

    /// As ``MessageBroker/requeueParked(_:in:)``.
    func requeue(_ ids: [String]) throws -> Int {
        try existing(ids).count { id in try requeue(id) }
    }

    private func requeue(_ id: String) throws -> Bool {
        try whileLocked(id) {
            guard let message = read(id) else { return false }
            if FileStore.exists("\(parked)/\(id)") {
                // A name that was shortened does not say any more that it is a message of the queue.
                let name = CeleryFilesystemBroker.isMessage(id, ofQueue: queue) ? id : "\(id).\(queue).msg"
                try FileStore.move("\(parked)/\(id)", to: "\(folder)/\(name)")
            } else {
                try CeleryFilesystemBroker.write(message.message, queue: queue, folder: folder)
            }
            try FileStore.remove(recordFile(of: id))
            return true
        }
    }

    /// As ``MessageBroker/dropParked(_:in:)``.
    func drop(_ ids: [String]) throws -> Int {
        try existing(ids).count { id in
            try whileLocked(id) {
                guard FileStore.exists(recordFile(of: id)) else { return false }
                try FileStore.remove(recordFile(of: id))
                if FileStore.exists("\(parked)/\(id)") { try FileStore.remove("\(parked)/\(id)") }
                return true
            }
        }
    }

    /// As ``ParkedMessageKeeper/trimParked(in:to:now:)``. The oldest are those that were parked first: a file's name says
    /// when its message was sent.
    func trim(to policy: ParkingPolicy, now: Date) throws -> ParkedTrim {
        let messages = try list(after: nil, limit: .max).sorted {
            ($0.time ?? .distantPast, $0.id) < ($1.time ?? .distantPast, $1.id)
        }
        var surplus = ParkedTrim()
        surplus.left = messages.count
        for message in messages {
            guard policy.admits(message, in: &surplus, now: now) else { break }
        }
        var trim = surplus
        trim.dropped = []
        do {
            for dropped in surplus.dropped {
                _ = try drop([dropped.message.id])
                trim.dropped.append(dropped)
            }
        } catch {
            try trim.cutShort(by: error)
        }
        return trim
    }

    /// As ``ParkedMessageKeeper/markTold(_:in:)``. A new file takes the place of a record in one step.
    func markTold(_ ids: [String]) throws {
        for id in existing(ids) {
            _ = try whileLocked(id) {
                guard let record = try FileStore.read(recordFile(of: id)),
                    let told = ParkedMessageFormat.celery.told(record)
                else { return false }
                try FileStore.write(told, to: recordFile(of: id), temporaryName: ".\(randomUUID()).tmp")
                return true
            }
        }
    }

    /// Changes a record while no other process does, so that two operators do not put a message back twice. The system
    /// releases the lock of a process that ends.
    ///
    /// - Returns: what `body` returns; false if another process has the lock.
    private func whileLocked(_ id: String, _ body: () throws -> Bool) throws -> Bool {
        let lock = "\(parked)/.\(String(decoding: id.utf8.prefix(200), as: UTF8.self)).lock"
        guard let descriptor = try FileStore.lock(lock) else { return false }
        defer { FileStore.unlock(descriptor) }
        // Whoever waits for a lock file that is removed here finds that the record has changed.
        defer { try? FileStore.remove(lock) }
        return try body()
    }

    private func recordFile(of id: String) -> String { "\(parked)/\(id).json" }

    private func existing(_ ids: [String]) -> [String] {
        ids.filter { !$0.contains("/") && !$0.contains("\0") && FileStore.exists(recordFile(of: $0)) }
    }

    private func read(_ id: String) -> ParkedMessage? {
        guard let bytes = try? FileStore.read(recordFile(of: id)),
            let parked = ParkedMessageFormat.celery.decode(bytes, id: id, queue: queue)
        else { return nil }
        return parked.reading(KombuEnvelope.remains(of: parked.message, limits: limits))
    }
}
