import struct FoundationEssentials.Date

/// Which runs of which entries are due. Pure: time is passed in.
struct BeatLedger: Sendable {
    private let entries: [BeatEntry]
    private let configuration: BeatConfiguration
    /// Runs that were due before this are missed ones.
    private let begin: Date
    private(set) var records: [String: BeatRecord]
    /// The next run by entry; absent if it has yet to be found, nil if there is none.
    private var upcoming: [String: Date?] = [:]

    /// Of more missed runs than this, only the last ones are sent.
    static let maximumRuns = 1000
    /// A schedule that missed more runs than this goes on from now.
    private static let maximumSteps = 100_000

    /// Goes on from what was remembered.
    ///
    /// - Parameters:
    ///   - remembered: what is known of entries, and perhaps of others than these.
    ///   - now: the time; entries that are new count from it.
    init(_ entries: [BeatEntry], configuration: BeatConfiguration, remembered: [String: BeatRecord], now: Date) {
        self.entries = entries
        self.configuration = configuration
        self.begin = now
        records = [:]
        for entry in entries {
            var record = remembered[entry.name] ?? BeatRecord(lastRun: now, count: 0)
            // A clock that was far off must not keep an entry from running for ever. (One that is a little ahead of ours
            // belongs to another beat, whose runs must not be sent again.)
            if record.lastRun > now.addingTimeInterval(86_400) { record.lastRun = now }
            records[entry.name] = record
        }
    }

    /// Takes the runs that are due, in the order of their times. They count as sent from now on.
    mutating func takeDue(at now: Date) -> [BeatRun] {
        var runs: [BeatRun] = []
        for entry in entries {
            guard var record = records[entry.name], let next = nextRun(of: entry), next <= now else { continue }
            let (due, last) = dueTimes(of: entry, from: next, until: now)
            var previous = record.lastRun
            for time in chosen(due, entry, now) {
                runs.append(BeatRun(name: entry.name, due: time, previous: previous))
                record.count += 1
                previous = time
            }
            record.lastRun = last
            set(record, for: entry.name)
        }
        return runs.sorted { $0.due < $1.due }
    }

    /// Takes back that a run was sent: it is still due, and so is what came after it.
    mutating func putBack(_ run: BeatRun) {
        guard var record = records[run.name] else { return }
        record.lastRun = min(record.lastRun, run.previous)
        record.count -= 1
        set(record, for: run.name)
    }

    /// When the next run is due; nil if none ever is.
    mutating func nextDue() -> Date? {
        var earliest: Date?
        for entry in entries {
            guard let next = nextRun(of: entry) else { continue }
            earliest = min(earliest ?? next, next)
        }
        return earliest
    }

    private mutating func set(_ record: BeatRecord, for name: String) {
        records[name] = record
        upcoming[name] = nil
    }

    private mutating func nextRun(of entry: BeatEntry) -> Date? {
        if let known = upcoming[entry.name] { return known }
        // A schedule of the user's own that does not go on would be due all the time.
        let next = records[entry.name].flatMap { record in
            entry.schedule.next(after: record.lastRun).flatMap { $0 > record.lastRun ? $0 : nil }
        }
        upcoming.updateValue(next, forKey: entry.name)
        return next
    }

    /// The times at which an entry was to run, and the last of them.
    private func dueTimes(of entry: BeatEntry, from first: Date, until now: Date) -> (times: [Date], last: Date) {
        var times = [first]
        var last = first
        var steps = 0
        while let next = entry.schedule.next(after: last), next <= now, next > last {
            last = next
            times.append(next)
            if times.count > 2 * Self.maximumRuns { times.removeFirst(Self.maximumRuns) }
            steps += 1
            if steps == Self.maximumSteps { return (times, now) }
        }
        return (times, last)
    }

    private func chosen(_ due: [Date], _ entry: BeatEntry, _ now: Date) -> [Date] {
        var due = due
        if let deadline = configuration.startingDeadline, entry.schedule.hasStartingDeadline {
            let earliest = now.addingTimeInterval(-deadline.seconds)
            due.removeAll { $0 < earliest }
        }
        switch configuration.missedRuns {
        case .once: return due.suffix(1)
        case .skip: return due.filter { $0 > begin }.suffix(1)
        case .all: return due.suffix(Self.maximumRuns)
        }
    }
}

/// What a beat remembers of an entry.
struct BeatRecord: Sendable, Hashable {
    /// The instant up to which its runs were sent, or when the beat first heard of it.
    var lastRun: Date
    /// How many runs were sent: Celery's `total_run_count`.
    var count: Int
}

/// A run of an entry that is due.
struct BeatRun: Sendable, Hashable {
    /// The entry's name.
    var name: String
    /// When it was due.
    var due: Date
    /// The run before it: one that is due with it, or the one that was remembered.
    var previous: Date
}
