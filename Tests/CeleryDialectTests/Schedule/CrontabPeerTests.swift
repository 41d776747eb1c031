import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import CeleryDialect
import Foundation
import TestSupport
import Testing

/// Random crontabs, compared with real Celery's answers.
@Suite("Crontab beside Celery") struct CrontabPeerTests {
    /// How often our answer differs from Celery's on purpose, by reason.
    private struct Differences {
        /// Celery counts local time, in which the hour that comes twice is one hour.
        var skippedRepeatedHour = 0
        /// The same from within the second of these hours: Celery takes the next local minute to be in the first, so
        /// that the next run lies before the last one and the task is always due.
        var wentBack = 0
    }

    @Test(
        "1,000 random crontabs over a year", .timeLimit(.minutes(5)),
        arguments: [("UTC", 1), ("America/New_York", 2), ("Europe/Berlin", 3), ("Australia/Lord_Howe", 4)])
    func runs(zoneName: String, seed: UInt64) async throws {
        let zone = try CalendarZone(zoneName)
        var random = RandomCrontab(generator: SeededGenerator(seed: seed))
        var changes: [Double] = []
        var time = Date(timeIntervalSince1970: 1_767_225_600)
        while let change = zone.nextChange(after: time), changes.count < 2 {
            time = change.instant
            changes.append(time.timeIntervalSince1970)
        }
        let specs = (0..<1000).map { _ in random.fields() }
        let answers = try await PythonSchedules.ask(
            "crontab",
            specs.map { fields in
                [
                    "fields": .array(fields.map { .string($0) }), "zone": .string(zoneName), "steps": 3,
                    "starts": .array(random.starts(around: changes).map { .double($0) }),
                ]
            })
        var differences = Differences()
        var steps = 0
        for (fields, answer) in zip(specs, answers) {
            guard let crontab = try compare(fields, answer, zone), let answer else { continue }
            for step in answer.steps {
                steps += 1
                compare(crontab, step, &differences)
            }
        }
        #expect(steps > 5000)
        #expect((differences.skippedRepeatedHour > 0) == (zone != .utc))
        #expect((differences.wentBack > 0) == (zone != .utc))
    }

    private func compare(_ crontab: Crontab, _ step: PythonSchedules.Step, _ differences: inout Differences) {
        let last = Date(timeIntervalSince1970: step.last)
        let next = crontab.next(after: last)
        if next?.timeIntervalSince1970 == step.next {
            #expect(!step.isDueBefore && step.isDueThen, "\(crontab) after \(last)")
        } else if step.next <= step.last, isSecondPass(last, in: crontab.zone) {
            differences.wentBack += 1
            #expect(next.map { $0 > last } == true, "\(crontab) after \(last)")
        } else if let next, next < Date(timeIntervalSince1970: step.next), isSecondPass(next, in: crontab.zone),
            crontab.hours.count == 24
        {
            differences.skippedRepeatedHour += 1
        } else {
            Issue.record("\(crontab) after \(last): \(String(describing: next)), Celery says \(step.next)")
        }
    }

    private func isSecondPass(_ instant: Date, in zone: CalendarZone) -> Bool {
        guard let shown = zone.localTime(at: instant), case .twice(_, instant) = zone.occurrence(of: shown) else {
            return false
        }
        return true
    }

    /// Compares whether the fields are refused and which numbers they stand for; returns the crontab if they are
    /// accepted.
    private func compare(_ fields: [String], _ answer: PythonSchedules.Answer?, _ zone: CalendarZone) throws -> Crontab?
    {
        let made = Result { () throws(CeleriacError) in
            try Crontab(
                minute: .text(fields[0]), hour: .text(fields[1]), dayOfWeek: .text(fields[2]),
                dayOfMonth: .text(fields[3]), monthOfYear: .text(fields[4]), in: zone)
        }
        switch (made, answer) {
        case (.success(let crontab), let answer?):
            let sets = [
                crontab.minutes, crontab.hours, crontab.daysOfWeek, crontab.daysOfMonth, crontab.monthsOfYear,
            ]
            #expect(sets == answer.sets, "\(fields)")
            return crontab
        case (.failure, nil):
            return nil
        case (let made, let answer):
            Issue.record("\(fields): \(made), Celery \(answer == nil ? "refuses" : "accepts") it")
            return nil
        }
    }

    @Test(
        "2,500 texts of the grammar's pieces: both refuse the same and read the rest alike", .timeLimit(.minutes(5)))
    func grammar() async throws {
        var random = RandomCrontab(generator: SeededGenerator(seed: 5))
        let specs = (0..<2500).map { number in
            var fields = ["*", "*", "*", "*", "*"]
            fields[number % 5] = random.noise()
            return fields
        }
        let answers = try await PythonSchedules.ask(
            "crontab",
            specs.map { fields in
                ["fields": .array(fields.map { .string($0) }), "zone": "UTC", "steps": 0, "starts": []]
            })
        var accepted = 0
        for (fields, answer) in zip(specs, answers) where try compare(fields, answer, .utc) != nil { accepted += 1 }
        #expect(accepted > 100 && accepted < 2000)
    }

    @Test("Lines of five fields", .timeLimit(.minutes(5)))
    func lines() async throws {
        let lines = [
            "* * * * *", "0 4 * * *", "*/15 0,12 1-7 jan-mar mon", "0 0 30 2 *", "0 0 31 4,6 *", "0 0 29 2 mon",
            "0 0 * *",
            "0 0 * * * *", "0  0 * * *", "0\t0 * * *", "0 0 * * *\n", " 0 0 * * *", "", "0 0 1 1 7", "60 * * * *",
            "@daily", "5/2 * * * *", "* fri-mon * * *", "22-2 * * * sat-mon", "0 0 0 1 *",
        ]
        let answers = try await PythonSchedules.ask(
            "crontab", lines.map { ["line": .string($0), "zone": "UTC", "steps": 2, "starts": [1_800_000_000]] })
        for (line, answer) in zip(lines, answers) {
            let crontab = try? Crontab(line)
            #expect((crontab == nil) == (answer == nil), "\(line)")
            for step in answer?.steps ?? [] {
                let next = crontab?.next(after: Date(timeIntervalSince1970: step.last))
                #expect(next?.timeIntervalSince1970 == step.next, "\(line)")
            }
        }
        #expect(answers.count { $0 == nil } == 13)
    }

    @Test(
        "Random intervals, rounded to the clock and not", .timeLimit(.minutes(5)),
        arguments: [("UTC", 6), ("America/New_York", 7), ("Europe/Berlin", 8), ("Australia/Lord_Howe", 9)])
    func intervals(zoneName: String, seed: UInt64) async throws {
        let zone = try CalendarZone(zoneName)
        var random = RandomCrontab(generator: SeededGenerator(seed: seed))
        var changes: [Double] = []
        var time = Date(timeIntervalSince1970: 1_767_225_600)
        while let change = zone.nextChange(after: time), changes.count < 2 {
            time = change.instant
            changes.append(time.timeIntervalSince1970)
        }
        let usual: [Double] = [1, 2, 30, 60, 90, 600, 1800, 3600, 5400, 7200, 43200, 86400, 90000, 172_800, 604_800]
        let specs = (0..<400).map { number in
            (
                number < 100
                    ? Double.random(in: 1...100_000, using: &random.generator).rounded()
                    : usual.randomElement(using: &random.generator) ?? 1, number % 4 != 0
            )
        }
        let answers = try await PythonSchedules.ask(
            "interval",
            specs.map { every, relative in
                [
                    "every": .double(every), "relative": .bool(relative), "zone": .string(zoneName), "steps": 3,
                    "starts": .array(random.starts(around: changes + changes).map { .double($0) }),
                ]
            })
        var steps = 0
        for ((every, relative), answer) in zip(specs, answers) {
            let schedule = try IntervalSchedule(every: .seconds(every), roundedIn: relative ? zone : nil)
            for step in try #require(answer).steps {
                steps += 1
                let next = schedule.next(after: Date(timeIntervalSince1970: step.last))
                #expect(
                    next?.timeIntervalSince1970 == step.next, "\(schedule) in \(zoneName) after \(step.last)")
            }
        }
        #expect(steps > 3000)
    }
}
