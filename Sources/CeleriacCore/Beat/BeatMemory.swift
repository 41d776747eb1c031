import CeleriacWire

import struct FoundationEssentials.Date

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

    /// - Throws: ``CeleriacError`` with code `configuration` for what is no state of this version.
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

    /// Of two memories the later one of each entry.
    static func merge(_ one: [String: BeatRecord], _ other: [String: BeatRecord]) -> [String: BeatRecord] {
        one.merging(other) { $0.lastRun < $1.lastRun ? $1 : $0 }
    }
}
