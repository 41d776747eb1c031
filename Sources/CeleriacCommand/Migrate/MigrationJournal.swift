import CeleriacCore
import CeleriacQueues
import CeleriacWire
import Foundation

/// The file in which a migration notes what the target has confirmed, so that a run after a crash does not send it again.
///
/// A message stands in it from the moment at which the target has confirmed it until the source has certainly heard that
/// it is gone: for a round of the migration and the next one. What was confirmed in the moment before a crash, and not
/// noted yet, is sent twice: at most one batch. The file's lock says that a migration runs.
final class MigrationJournal {
    private static let version: WireValue = 1
    /// The digits of a digest.
    private static let digits = 40

    /// The name of the migration, by which the claims of all its runs begin.
    let id: String
    private let path: String
    private let lock: Int32
    private let file: FileHandle
    private let heading: [UInt8]
    /// What earlier runs have noted, how often each.
    private var inherited: [String: Int]
    /// What this run has noted in the last round and in this one.
    private var previous: [String] = []
    private var current: [String] = []
    private var own: [String: Int] = [:]

    /// Opens a migration's file, or begins one.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - source: the name of the broker from which messages are moved.
    ///   - target: the name of the broker to which they are moved.
    /// - Throws: `CeleriacError` with code `configuration` if the file is another migration's, or one runs with it;
    ///   `unavailable` if it cannot be written.
    init(_ path: String, from source: String, to target: String) throws(CeleriacError) {
        let lockPath = path + ".lock"
        guard let lock = try FileStore.lock(lockPath) else {
            throw CeleriacError(.configuration, "a migration with the journal \(path) is running")
        }
        do throws(CeleriacError) {
            let text = String(decoding: try FileStore.read(path) ?? [], as: UTF8.self)
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            let heading: WireValue
            if text.isEmpty {
                heading = [
                    "celeriac_migration": MigrationJournal.version, "id": .string(randomUUID()),
                    "from": .string(source), "to": .string(target),
                ]
            } else {
                heading = (try? WireJSON.decode(Array((lines.first ?? "").utf8))) ?? .null
            }
            guard heading["celeriac_migration"] == MigrationJournal.version, let id = heading["id"]?.stringValue,
                heading["from"]?.stringValue == source, heading["to"]?.stringValue == target
            else {
                throw CeleriacError(
                    .configuration,
                    """
                    \(path) is no journal of a migration from \(source) to \(target): end that one first, or name another \
                    --journal
                    """)
            }
            var inherited: [String: Int] = [:]
            // A line that a crash has cut off was not confirmed to anybody.
            for line in lines.dropFirst() where line.utf8.count == MigrationJournal.digits {
                inherited[String(line), default: 0] += 1
            }
            let encoded: [UInt8] = (try? WireJSON.encode(heading, style: .python)) ?? []
            let bytes = encoded + [UInt8(ascii: "\n")]
            if text.isEmpty { try FileStore.write(bytes, to: path, temporaryName: ".\(id).tmp") }
            guard let file = FileHandle(forUpdatingAtPath: path) else { throw FileStore.failure("write", path) }
            self.path = path
            self.id = id
            self.lock = lock
            self.file = file
            self.heading = bytes
            self.inherited = inherited
        } catch {
            FileStore.unlock(lock)
            throw error
        }
        try attempt { _ = try file.seekToEnd() }
        // The end of what a crash has cut off.
        try attempt { try file.write(contentsOf: [UInt8(ascii: "\n")]) }
    }

    /// A digest of what makes a message this one, however often it is delivered.
    static func key(of message: WireMessage, in queue: String) -> String {
        var bytes: [UInt8] = []
        let parts = [
            queue, message.properties.correlationID ?? "", message.headers["id"]?.stringValue ?? "",
            "\(message.headers["retries"]?.intValue ?? 0)", message.headers["eta"]?.stringValue ?? "",
        ]
        for part in parts { bytes += Array(part.utf8) + [0] }
        return SHA1.hexadecimal(bytes + message.body)
    }

    /// How many messages earlier runs have left in it.
    var inheritedCount: Int { inherited.values.reduce(0, +) }

    /// Notes what the target has confirmed. When it returns, a crash of the machine does not lose that.
    func note(_ keys: [String]) throws(CeleriacError) {
        guard !keys.isEmpty else { return }
        try attempt {
            try file.write(contentsOf: Array((keys.joined(separator: "\n") + "\n").utf8))
            try file.synchronize()
        }
        current += keys
        for key in keys { own[key, default: 0] += 1 }
    }

    /// Whether a message that has come, perhaps again, is one that the target has. Then it is counted out.
    ///
    /// - Parameters:
    ///   - key: the message.
    ///   - hasComeBack: whether the source says that it was delivered before; nil if the source does not tell.
    ///   - mayBeOwn: whether the source may have delivered it to this run before. Else it was somebody else who had it, and
    ///     a message that this run has moved is another one of the same bytes.
    /// - Returns: whether the target has it.
    func recognizes(_ key: String, hasComeBack: Bool?, mayBeOwn: Bool = true) -> Bool {
        if hasComeBack != false, let count = inherited[key], count > 0 {
            inherited[key] = count - 1
            return true
        }
        // In one process, only what the source calls a redelivery can be one.
        if mayBeOwn, hasComeBack == true, let count = own[key], count > 0 {
            own[key] = count - 1
            return true
        }
        return false
    }

    /// Forgets the round before the last: the source has heard of all of it.
    func endRound() throws(CeleriacError) {
        for key in previous {
            guard let count = own[key] else { continue }
            own[key] = count > 1 ? count - 1 : nil
        }
        (previous, current) = (current, [])
        let rest = previous
        try attempt {
            try file.truncate(atOffset: UInt64(heading.count))
            _ = try file.seekToEnd()
            if !rest.isEmpty { try file.write(contentsOf: Array((rest.joined(separator: "\n") + "\n").utf8)) }
        }
    }

    /// Ends the migration, and its file.
    ///
    /// - Parameter isComplete: whether nothing of it is needed any more.
    func close(isComplete: Bool) {
        try? file.close()
        if isComplete { try? FileStore.remove(path) }
        try? FileStore.remove(path + ".lock")
        FileStore.unlock(lock)
    }

    private func attempt(_ body: () throws -> Void) throws(CeleriacError) {
        do {
            try body()
        } catch {
            throw CeleriacError(.unavailable, "cannot write the journal \(path)", cause: error)
        }
    }
}
