import CeleriacCore
import CeleriacWire
import CeleryDialect
import Testing

@Suite("Schedule file") struct BeatFileTests {
    @Test("Reads a file with every setting")
    func everything() throws {
        let file = try BeatFile(
            Array(
                """
                timezone: Europe/Berlin
                missed_runs: skip
                beat_cron_starting_deadline: 600
                beat_max_loop_interval: 5
                beat_schedule:
                  seconds: {task: t.a, schedule: 30, args: [16, 16]}
                  rounded: {task: t.a, schedule: 3600.0, relative: true}
                  every: {task: t.a, schedule: {every: 60, relative: true}}
                  line: {task: t.a, schedule: 30 7 * * mon}
                  crontab-line: {task: t.a, schedule: {crontab: "*/15 * * * *"}}
                  crontab:
                    task: t.b
                    schedule: {crontab: {minute: 0, hour: [4, 16], day_of_week: sun-tue, day_of_month: 1-7, month_of_year: 6}}
                    kwargs: {kind: weekly}
                    options:
                      queue: reports
                      priority: 3
                      countdown: 1.5
                      expires: 3600
                      headers: {a: 1}
                      ignore_result: true
                      serializer: msgpack
                      compression: zlib
                      time_limit: 20
                      soft_time_limit: 10
                  lamps: {task: t.c, schedule: {solar: sunset, latitude: -33.5, longitude: 151}, relative: }
                """.utf8))
        let berlin = try CalendarZone("Europe/Berlin")
        #expect(file.zone == berlin)
        #expect(file.configuration.missedRuns == .skip)
        #expect(file.configuration.startingDeadline == .seconds(600))
        #expect(file.configuration.maximumPause == .seconds(5))
        let names = ["seconds", "rounded", "every", "line", "crontab-line", "crontab", "lamps"]
        try #require(file.entries.map(\.name) == names)
        #expect(file.entries[0].schedule as? IntervalSchedule == (try IntervalSchedule(every: .seconds(30))))
        #expect(
            file.entries[1].schedule as? IntervalSchedule
                == (try IntervalSchedule(every: .seconds(3600), roundedIn: berlin)))
        #expect(
            file.entries[2].schedule as? IntervalSchedule
                == (try IntervalSchedule(every: .seconds(60), roundedIn: berlin)))
        #expect(file.entries[3].schedule as? Crontab == (try Crontab("30 7 * * mon", in: berlin)))
        #expect(file.entries[4].schedule as? Crontab == (try Crontab(minute: "*/15", in: berlin)))
        let crontab = try Crontab(
            minute: 0, hour: [4, 16], dayOfWeek: "sun-tue", dayOfMonth: "1-7", monthOfYear: 6, in: berlin)
        #expect(file.entries[5].schedule as? Crontab == crontab)
        #expect(
            file.entries[6].schedule as? SolarSchedule
                == (try SolarSchedule(.sunset, latitude: -33.5, longitude: 151)))
        let options = file.entries[5].options
        #expect(
            options
                == SendOptions(
                    countdown: .seconds(1.5), priority: 3, queue: "reports", headers: ["a": 1],
                    timeLimits: TimeLimits(soft: .seconds(10), hard: .seconds(20)), ignoresResult: true,
                    serializer: Serializer(rawValue: "msgpack"), compression: Compression(rawValue: "zlib")))
        #expect(file.entries[5].expiresAfter == .seconds(3600))
        #expect(file.entries[5].task == "t.b")
    }

    @Test("A file without entries sends nothing")
    func empty() throws { #expect(try BeatFile(Array("timezone: UTC\n".utf8)).entries.isEmpty) }

    @Test(
        "The error names what is wrong",
        arguments: [
            ("a: [", "YAML"), ("- 1", "not a list of keys"), ("timezone: Mars/Base", "Mars/Base"),
            ("missed_runs: often", "often"), ("beat_schedul: {}", "beat_schedul"),
            ("beat_max_loop_interval: 0", "maximum pause"), ("beat_max_loop_interval: 1.0e+9", "maximum pause"),
            ("beat_schedule: [1]", "beat_schedule"),
            ("beat_schedule: {a: 1}", "'a'"), ("beat_schedule: {a: {schedule: 1}}", "names no task"),
            ("beat_schedule: {a: {task: t}}", "has no schedule"),
            ("beat_schedule: {a: {task: t, schedule: 0}}", "interval"),
            ("beat_schedule: {a: {task: t, schedule: -5}}", "-5"),
            ("beat_schedule: {a: {task: t, schedule: .nan}}", "nan"),
            ("beat_schedule: {a: {task: t, schedule: 1e400}}", "'a'"),
            ("beat_schedule: {a: {task: t, schedule: '* * * *'}}", "cannot be used: a line has five fields"),
            ("beat_schedule: {a: {task: t, schedule: {}}}", "needs every, crontab or solar"),
            ("beat_schedule: {a: {task: t, schedule: {every: 5, hour: 3}}}", "hour"),
            ("beat_schedule: {a: {task: t, schedule: {crontab: {minute: 60}}}}", "minute"),
            ("beat_schedule: {a: {task: t, schedule: {crontab: {minute: [a]}}}}", "minute"),
            ("beat_schedule: {a: {task: t, schedule: {crontab: {second: 1}}}}", "second"),
            ("beat_schedule: {a: {task: t, schedule: {crontab: {day_of_month: 30, month_of_year: 2}}}}", "days"),
            ("beat_schedule: {a: {task: t, schedule: {solar: moonrise, latitude: 1, longitude: 1}}}", "moonrise"),
            ("beat_schedule: {a: {task: t, schedule: {solar: sunset, latitude: 91, longitude: 1}}}", "91"),
            ("beat_schedule: {a: {task: t, schedule: {solar: sunset}}}", "latitude"),
            ("beat_schedule: {a: {chain: [], schedule: 1}}", "empty"),
            ("beat_schedule: {a: {chain: [5], schedule: 1}}", "chain"),
            ("beat_schedule: {a: {chain: [{task: t, tasks: 5}], schedule: 1}}", "tasks"),
            ("beat_schedule: {a: {chord: [{task: t}], schedule: 1}}", "without a body"),
            ("beat_schedule: {a: {group: [{args: [1]}], schedule: 1}}", "names no task"),
            ("beat_schedule: {a: {task: t, schedule: 1, args: 5}}", "args"),
            ("beat_schedule: {a: {task: t, schedule: 1, kwargs: [5]}}", "kwargs"),
            ("beat_schedule: {a: {task: t, schedule: 1, options: {priority: 256}}}", "priority"),
            ("beat_schedule: {a: {task: t, schedule: 1, options: {expires: -1}}}", "expires"),
            ("beat_schedule: {a: {task: t, schedule: 1, options: {que: x}}}", "que"),
            ("beat_schedule: {a: {task: t, schedule: 1, arg: []}}", "arg"),
        ])
    func mistakes(_ text: String, _ word: String) {
        #expect {
            try BeatFile(Array(text.utf8))
        } throws: { error in
            (error as? CeleriacError)?.code == .configuration && "\(error)".contains(word)
        }
    }
}
