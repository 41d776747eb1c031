import CeleriacWire

import struct FoundationEssentials.Date

/// Where a ``Beat`` keeps what it remembers across restarts: when each entry ran last.
///
/// Implement it to keep that in a place of your own. The state is a small JSON text.
///
/// **Order of calls.** A beat calls one method at a time. It loads the state when it begins to send, which it does
/// again each time it takes its lock, and then saves the state before it sends. A store belongs to one beat; beats that
/// take turns under a lock pass their memory on by the lock's note.
///
/// **Cancellation.** A beat that is cancelled finishes what it is sending, so ``save(_:)`` may be called from a
/// cancelled task and must work there.
///
/// **Closing.** A beat closes nothing. A store that holds something open leaves that to whoever made it, after the beat
/// has ended.
public protocol BeatStateStore: Sendable {
    /// A name for logs.
    var name: String { get }

    /// Returns the state that was saved last; nil if nothing was ever saved.
    ///
    /// - Returns: the bytes that were passed to ``save(_:)``, unchanged.
    /// - Throws: an error if the place cannot be reached. A beat with a lock tries again, unless the error is a
    ///   ``CeleriacError`` with code `configuration`; any other beat ends with the error.
    func load() async throws -> [UInt8]?

    /// Saves a state as a whole: a reader sees either all of it or all of the state before.
    ///
    /// - Throws: an error if the state may not have been saved. The beat logs it and sends nevertheless, so it may
    ///   repeat runs after a restart.
    func save(_ state: [UInt8]) async throws
}

/// What a beat remembers of its entries, as JSON:
/// `{"version": 1, "entries": {NAME: {"last_run_at": "2026-01-31T04:00:00Z", "total_run_count": 7}}}`.
enum BeatMemory {
    static func encode(_ records: [String: BeatRecord]) throws(CeleriacError) -> [UInt8] {
        var entries = WireObject()
        for (name, record) in records.sorted(by: { $0.key < $1.key }) {
            guard let time = LocalDateTime(utc: record.lastRun) else { continue }
            entries[name] = ["last_run_at": .string("\(time)Z"), "total_run_count": .int(Int64(record.count))]
        }
        do {
            return try WireJSON.encode(["version": 1, "entries": .object(entries)])
        } catch {
            throw CeleriacError(.unsupported, "the state of the schedule cannot be encoded", cause: error)
        }
    }

    /// Reads a state that ``encode(_:)`` wrote.
    ///
    /// - Parameters:
    ///   - bytes: the state.
    ///   - place: where it was kept, for the message of an error.
    /// - Returns: the records by the names of their entries.
    /// - Throws: ``CeleriacError`` with code `configuration` for bytes that are not a state of this version.
    static func decode(_ bytes: [UInt8], from place: String) throws(CeleriacError) -> [String: BeatRecord] {
        let value: WireValue
        do {
            value = try WireJSON.decode(bytes)
        } catch {
            throw CeleriacError(.configuration, "the state of the schedule in \(place) cannot be read", cause: error)
        }
        guard value["version"]?.intValue == 1, let entries = value["entries"]?.objectValue else {
            throw CeleriacError(.configuration, "the state of the schedule in \(place) is not one of version 1")
        }
        var records: [String: BeatRecord] = [:]
        for (name, entry) in entries {
            guard let text = entry["last_run_at"]?.stringValue, text.hasSuffix("Z"),
                let time = LocalDateTime(String(text.dropLast())), let count = entry["total_run_count"]?.intValue
            else { throw CeleriacError(.configuration, "the state of the schedule in \(place) has a damaged entry") }
            records[name] = BeatRecord(lastRun: time.instant(), count: count)
        }
        return records
    }

    /// Merges two memories: of each entry the later record counts.
    static func merge(_ one: [String: BeatRecord], _ other: [String: BeatRecord]) -> [String: BeatRecord] {
        one.merging(other) { $0.lastRun < $1.lastRun ? $1 : $0 }
    }
}
