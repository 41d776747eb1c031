import struct FoundationEssentials.Date

/// Decides which runs of which entries are due. It is pure: its caller passes in the time.
struct BeatLedger: Sendable {
    private let entries: [BeatEntry]
    private let configuration: BeatConfiguration
    /// Runs that were due before this time count as missed.
    private let begin: Date
    private(set) var records: [String: BeatRecord]
    /// The next run by entry: absent until it is looked up, nil if the entry never runs again.
    private var upcoming: [String: Date?] = [:]

    /// How many missed runs of an entry are sent at most: the last ones.
    static let maximumRuns = 1000
    /// An entry that missed more runs than this continues from now.
    private static let maximumSteps = 100_000

    /// Continues from what an earlier beat remembered.
    ///
    /// - Parameters:
    ///   - entries: the tasks and their schedules.
    ///   - configuration: what to do about missed runs.
    ///   - remembered: the records of earlier runs by entry; those of entries that no longer exist are dropped.
    ///   - now: the time. The schedule of a new entry begins at it.
    init(_ entries: [BeatEntry], configuration: BeatConfiguration, remembered: [String: BeatRecord], now: Date) {
        self.entries = entries
        self.configuration = configuration
        self.begin = now
        records = [:]
        for entry in entries {
            var record = remembered[entry.name] ?? BeatRecord(lastRun: now, count: 0)
            // A clock that was far off must not keep an entry from ever running again. A record that is only a little
            // ahead comes from another beat's clock: it stays, so that the runs of that beat are not sent again.
            if record.lastRun > now.addingTimeInterval(86_400) { record.lastRun = now }
            records[entry.name] = record
        }
    }

    /// Takes the runs that are due, in the order of their times. The ledger counts them as sent from now on.
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

    /// Takes back that a run was sent: it is due again, and so are the runs of its entry after it.
    mutating func putBack(_ run: BeatRun) {
        guard var record = records[run.name] else { return }
        record.lastRun = min(record.lastRun, run.previous)
        record.count -= 1
        set(record, for: run.name)
    }

    /// When the next run is due; nil if no entry ever runs again.
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
        // A user's schedule that returns a time no later than the last run would be due all the time: it never runs
        // again.
        let next = records[entry.name].flatMap { record in
            entry.schedule.next(after: record.lastRun).flatMap { $0 > record.lastRun ? $0 : nil }
        }
        upcoming.updateValue(next, forKey: entry.name)
        return next
    }

    /// The times at which an entry should have run, and the last of them.
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
    /// The time of the run before it: one that is due with it, or the last one in the record.
    var previous: Date
}
