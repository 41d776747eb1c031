import CeleriacCore
import CeleriacQueues
import CeleriacWire
import CeleryWire

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
        var id = String(file[(file.lastIndex(of: "/").map(file.index(after:)) ?? file.startIndex)...])
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
        try existing(ids).count { id in
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
            try FileStore.remove(recordFile(of: id))
            if FileStore.exists("\(parked)/\(id)") { try FileStore.remove("\(parked)/\(id)") }
            return true
        }
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
