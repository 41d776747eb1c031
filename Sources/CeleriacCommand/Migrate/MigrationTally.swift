import CeleriacWire

/// What a migration has done so far, and what it was not able to do.
struct MigrationTally: Sendable {
    /// How many messages the target has confirmed.
    private(set) var moved: [String: Int] = [:]
    /// How many messages were found that an earlier run had moved already.
    var recognized = 0
    /// How many of those that were moved wait for a time that has not come.
    var scheduled = 0
    /// How many messages a worker of the source took while they were moved: both have them.
    var raced = 0
    /// What stays at the source, by the reason, as the last look at all of it has found.
    private(set) var left: [String: Int] = [:]

    /// How many messages were moved, of all queues.
    var movedCount: Int { moved.values.reduce(0, +) }
    /// How many messages stay.
    var leftCount: Int { left.values.reduce(0, +) }

    /// Counts messages of a queue that the target has confirmed.
    mutating func move(_ count: Int = 1, of queue: String) { moved[queue, default: 0] += count }

    /// Counts a message that stays where it is.
    mutating func leave(_ reason: String) { left[reason, default: 0] += 1 }

    /// Begins another look at everything.
    mutating func beginPass() { left = [:] }

    /// How far it is, in a line.
    ///
    /// - Parameters:
    ///   - found: how many messages there were at the beginning.
    ///   - rate: how many are moved each second.
    /// - Returns: the line.
    func line(of found: Int, rate: Double) -> String {
        let width = 20
        let share = found > 0 ? min(1, Double(movedCount) / Double(found)) : 1
        let filled = Int((share * Double(width)).rounded(.down))
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
        let stays = leftCount > 0 ? ", \(leftCount.counting("stays", "stay"))" : ""
        return "[\(bar)] \(movedCount) of \(max(found, movedCount)) moved\(stays), \(Int(min(rate, 1e9)))/s"
    }
}

/// What the brokers of a migration have, at one moment.
struct MigrationCensus: Sendable, Equatable {
    /// How many messages wait in each queue.
    var waiting: [String: Int] = [:]
    /// How many messages workers hold, of those queues; nil where the broker does not say.
    var held: Int?
    /// How many messages the broker keeps until their times, of all queues; nil where it keeps none, or does not say.
    var delayed: Int?

    /// How many messages wait.
    var waitingCount: Int { waiting.values.reduce(0, +) }
}

/// What is told at the end of a migration.
struct MigrationReport: Sendable {
    let queues: [String]
    let isDryRun: Bool
    /// Whether it ended before everything was looked at: by a signal or its limit.
    var isCutShort = false
    var tally = MigrationTally()
    /// The source and the target, before and after.
    var sourceBefore = MigrationCensus()
    var sourceAfter = MigrationCensus()
    var targetBefore = MigrationCensus()
    var targetAfter = MigrationCensus()
    /// What cannot be moved at all, a sentence each.
    var gaps: [String] = []

    init(queues: [String], isDryRun: Bool) {
        self.queues = queues
        self.isDryRun = isDryRun
    }

    /// Whether everything that was there is at the target.
    var isComplete: Bool { isDryRun || !isCutShort && tally.leftCount == 0 }

    /// How many messages producers sent to the source meanwhile, as far as the counts tell: what was moved and what is
    /// left, without what was there. Negative if workers of the source took some.
    var arrived: Int {
        let before = sourceBefore.waitingCount + (sourceBefore.delayed ?? 0)
        return tally.movedCount + tally.recognized + sourceAfter.waitingCount + (sourceAfter.delayed ?? 0) - before
    }

    /// What JSON says.
    var object: WireObject {
        let reasons = tally.left.sorted { $0.key < $1.key }.map { ($0.key, WireValue.int(Int64($0.value))) }
        let rows = queues.map { queue -> WireValue in
            [
                "name": .string(queue), "moved": .int(Int64(tally.moved[queue] ?? 0)),
                "source_before": Self.value(sourceBefore.waiting[queue]),
                "source_after": Self.value(sourceAfter.waiting[queue]),
                "target_before": Self.value(targetBefore.waiting[queue]),
                "target_after": Self.value(targetAfter.waiting[queue]),
            ]
        }
        return [
            "dry_run": .bool(isDryRun), "complete": .bool(isComplete), "moved": .int(Int64(tally.movedCount)),
            "scheduled": .int(Int64(tally.scheduled)), "recognized": .int(Int64(tally.recognized)),
            "raced": .int(Int64(tally.raced)), "left": .int(Int64(tally.leftCount)),
            "arrived": .int(Int64(isDryRun ? 0 : arrived)), "reasons": .object(WireObject(reasons)),
            "queues": .array(rows), "source_held": Self.value(sourceAfter.held),
            "source_delayed": Self.value(sourceAfter.delayed), "gaps": .array(gaps.map { .string($0) }),
        ]
    }

    /// What a person reads.
    var lines: [String] {
        var lines = TextTable(
            ["QUEUE", "FOUND", isDryRun ? "WOULD MOVE" : "MOVED", "LEFT", "AT TARGET BEFORE", "AT TARGET NOW"],
            queues.map { queue -> [String?] in
                let found = Self.text(sourceBefore.waiting[queue])
                return [
                    queue, found, isDryRun ? found : "\(tally.moved[queue] ?? 0)",
                    Self.text(sourceAfter.waiting[queue]), Self.text(targetBefore.waiting[queue]),
                    Self.text(targetAfter.waiting[queue]),
                ]
            }, empty: "There are no queues."
        ).lines
        if tally.scheduled > 0 {
            lines.append(tally.scheduled.counting("of them waits for its time.", "of them wait for their times."))
        }
        if tally.recognized > 0 {
            lines.append("\(tally.recognized.counting("was", "were")) at the target already, from an earlier run.")
        }
        if tally.raced > 0 {
            let taken = tally.raced.counting("was", "were")
            lines.append("\(taken) taken by a worker of the source after the target had got a copy.")
        }
        if let delayed = sourceAfter.delayed, delayed > 0 {
            let kept = delayed.counting("message until its time", "messages until their times")
            lines.append("The source keeps \(kept).")
        }
        if let held = sourceAfter.held, held > 0 {
            let kept = held.counting("message, which stays", "messages, which stay")
            lines.append("Workers of the source hold \(kept) with them.")
        }
        for (reason, count) in tally.left.sorted(by: { $0.key < $1.key }) {
            lines.append("\(count.counting("message stays", "messages stay")) at the source: \(reason)")
        }
        if isCutShort { lines.append("It ended early; the same command goes on.") }
        return lines + gaps
    }

    private static func text(_ count: Int?) -> String? { count.map { "\($0)" } }

    private static func value(_ count: Int?) -> WireValue { count.map { .int(Int64($0)) } ?? .null }
}
