package import CeleriacCore
package import CeleriacWire

/// A schedule in a YAML file: the entries under Celery's names, and how the beat works.
///
/// ```yaml
/// timezone: Europe/Berlin         # of crontabs and rounded intervals; UTC unless given
/// missed_runs: once               # or skip, all
/// beat_cron_starting_deadline: 600
/// beat_max_loop_interval: 300
/// beat_schedule:
///   every-30-seconds:
///     task: tasks.add
///     schedule: 30                # seconds; or {every: 30, relative: true}
///     args: [16, 16]
///   monday-morning:
///     task: tasks.report
///     schedule: 30 7 * * mon      # or {crontab: {minute: 30, hour: 7, day_of_week: mon}}
///     kwargs: {kind: weekly}
///     options: {queue: reports, expires: 3600, priority: 3}
///   lamps:
///     task: tasks.lamps
///     schedule: {solar: sunset, latitude: 52.5, longitude: 13.4}
///   nightly:
///     schedule: 0 2 * * *
///     chain:                      # or group, or chord with a body; nested as need be
///       - task: tasks.collect
///       - group: [{task: tasks.tidy, immutable: true}, {task: tasks.count, options: {queue: slow}}]
///       - task: tasks.report
/// ```
///
/// Options are `queue`, `priority`, `countdown`, `expires` (seconds after each sending), `headers`, `ignore_result`,
/// `serializer`, `compression`, `time_limit`, `soft_time_limit`. An unknown key is an error.
package struct BeatFile: Sendable {
    /// The entries, in the file's order.
    package var entries: [BeatEntry]
    /// How the beat works.
    package var configuration: BeatConfiguration
    /// The zone of crontabs and of rounded intervals.
    package var zone: CalendarZone

    /// Reads a file's content, UTF-8.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration`, whose message says what is wrong and where.
    package init(_ content: [UInt8]) throws(CeleriacError) {
        let value: WireValue
        do {
            value = try WireYAML.decode(content)
        } catch {
            throw CeleriacError(.configuration, "the schedule is not YAML", cause: error)
        }
        var file = SettingsSection(value, "the schedule")
        try self.init(&file)
        try file.finish()
    }

    /// Reads what stands in a section of settings, and leaves the rest there.
    ///
    /// - Parameters:
    ///   - file: the section.
    ///   - defaultZone: the zone where none is named.
    /// - Throws: as ``init(_:)``.
    package init(_ file: inout SettingsSection, defaultZone: CalendarZone = .utc) throws(CeleriacError) {
        zone = try file.text("timezone").map { name throws(CeleriacError) in try CalendarZone(name) } ?? defaultZone
        var configuration = BeatConfiguration()
        if let missed = try file.text("missed_runs") {
            guard let known = MissedRuns(rawValue: missed) else {
                throw CeleriacError(.configuration, "missed_runs is '\(missed)': use once, skip or all")
            }
            configuration.missedRuns = known
        }
        configuration.startingDeadline = try file.duration("beat_cron_starting_deadline")
        if let pause = try file.duration("beat_max_loop_interval") { configuration.maximumPause = pause }
        self.configuration = configuration
        entries = []
        for (name, entry) in try file.object("beat_schedule") ?? [:] {
            entries.append(try BeatFileEntry(name: name, zone: zone).read(entry))
        }
        try configuration.validate()
    }
}

/// Reads one entry of a ``BeatFile``.
private struct BeatFileEntry {
    let name: String
    let zone: CalendarZone

    func read(_ value: WireValue) throws(CeleriacError) -> BeatEntry {
        var section = SettingsSection(value, "the entry '\(name)'")
        guard let when = try section.take("schedule") else { throw section.error("has no schedule") }
        let schedule = try schedule(when, relative: try section.flag("relative") ?? false)
        let signature = try canvas(&section)
        var options = SettingsSection(try section.take("options") ?? .object([:]), "options of the entry '\(name)'")
        let expiry = try options.duration("expires")
        let read = try self.options(&options)
        try options.finish()
        try section.finish()
        return BeatEntry(name, schedule, signature, options: read, expiresAfter: expiry)
    }

    // MARK: Tasks

    /// A task, or tasks that belong together: a `chain`, a `group`, or a `chord` with a `body`.
    private func canvas(_ section: inout SettingsSection) throws(CeleriacError) -> Signature<WireValue> {
        if let steps = try section.list("chain") { return chain(try self.steps(steps, of: "chain")) }
        if let members = try section.list("group") { return group(try self.steps(members, of: "group")).signature() }
        if let header = try section.list("chord") {
            guard let body = try section.take("body") else { throw section.error("has a chord without a body") }
            return chord(try self.steps(header, of: "chord"), body: try step(body, of: "chord"))
        }
        guard let task = try section.text("task") else { throw section.error("names no task") }
        return Signature(
            task, arguments: try section.list("args") ?? [], keywordArguments: try section.object("kwargs") ?? [:])
    }

    private func steps(_ members: [WireValue], of kind: String) throws(CeleriacError) -> [Signature<WireValue>] {
        guard !members.isEmpty else { throw error("its \(kind) is empty") }
        return try members.map { member throws(CeleriacError) in try step(member, of: kind) }
    }

    private func step(_ value: WireValue, of kind: String) throws(CeleriacError) -> Signature<WireValue> {
        var section = SettingsSection(value, "the \(kind) of the entry '\(name)'")
        var options = SettingsSection(
            try section.take("options") ?? .object([:]), "options in the \(kind) of the entry '\(name)'")
        var read = try self.options(&options)
        read.expiresAfter = try options.duration("expires")
        try options.finish()
        let isImmutable = try section.flag("immutable") ?? false
        let signature = try canvas(&section).with(read)
        try section.finish()
        return isImmutable ? signature.immutable() : signature
    }

    // MARK: Schedules

    private func schedule(_ value: WireValue, relative: Bool) throws(CeleriacError) -> any Schedule {
        if let seconds = value.doubleValue { return try interval(seconds, relative) }
        if let line = value.stringValue {
            return try crontab { zone throws(CeleriacError) in try Crontab(line, in: zone) }
        }
        var section = SettingsSection(value, "the schedule of the entry '\(name)'")
        if let seconds = try section.number("every") {
            let relative = try section.flag("relative") ?? relative
            try section.finish()
            return try interval(seconds, relative)
        }
        if let event = try section.text("solar") {
            let schedule = try solar(event, &section)
            try section.finish()
            return schedule
        }
        guard let fields = try section.take("crontab") else { throw section.error("needs every, crontab or solar") }
        try section.finish()
        if let line = fields.stringValue {
            return try crontab { zone throws(CeleriacError) in try Crontab(line, in: zone) }
        }
        return try crontab(fields)
    }

    private func interval(_ seconds: Double, _ relative: Bool) throws(CeleriacError) -> IntervalSchedule {
        guard 0..<3.2e11 ~= seconds else { throw error("an interval of \(seconds) s cannot be used") }
        return try IntervalSchedule(every: .seconds(seconds), roundedIn: relative ? zone : nil)
    }

    private func solar(_ event: String, _ section: inout SettingsSection) throws(CeleriacError) -> SolarSchedule {
        guard let known = SolarEvent(rawValue: event) else {
            throw error("'\(event)' is not one of \(SolarEvent.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        guard let latitude = try section.number("latitude"), let longitude = try section.number("longitude") else {
            throw section.error("needs latitude and longitude for \(event)")
        }
        return try SolarSchedule(known, latitude: latitude, longitude: longitude)
    }

    private func crontab(_ fields: WireValue) throws(CeleriacError) -> Crontab {
        var section = SettingsSection(fields, "the crontab of the entry '\(name)'")
        let minute = try field("minute", &section)
        let hour = try field("hour", &section)
        let dayOfWeek = try field("day_of_week", &section)
        let dayOfMonth = try field("day_of_month", &section)
        let monthOfYear = try field("month_of_year", &section)
        try section.finish()
        return try crontab { zone throws(CeleriacError) in
            try Crontab(
                minute: minute, hour: hour, dayOfWeek: dayOfWeek, dayOfMonth: dayOfMonth, monthOfYear: monthOfYear,
                in: zone)
        }
    }

    private func field(_ key: String, _ section: inout SettingsSection) throws(CeleriacError) -> CrontabField {
        switch try section.take(key) {
        case nil: return .any
        case .string(let text)?: return .text(text)
        case let value?:
            let numbers = (value.arrayValue ?? [value]).map(\.intValue)
            guard !numbers.contains(nil) else { throw section.error("needs text, a number or numbers for \(key)") }
            return .numbers(numbers.compactMap { $0 })
        }
    }

    private func crontab(_ make: (CalendarZone) throws(CeleriacError) -> Crontab) throws(CeleriacError) -> Crontab {
        do {
            return try make(zone)
        } catch {
            let why = (error.cause as? CrontabError)?.message ?? error.message
            throw self.error("its crontab cannot be used: \(why)")
        }
    }

    private func error(_ what: String) -> CeleriacError {
        CeleriacError(.configuration, "the entry '\(name)': \(what)")
    }

    // MARK: Options

    private func options(_ section: inout SettingsSection) throws(CeleriacError) -> SendOptions {
        var options = SendOptions()
        options.queue = try section.text("queue")
        options.countdown = try section.duration("countdown")
        options.headers = try section.object("headers") ?? [:]
        options.ignoresResult = try section.flag("ignore_result")
        options.serializer = try section.text("serializer").map { Serializer(rawValue: $0) }
        options.compression = try section.text("compression").map { Compression(rawValue: $0) }
        options.timeLimits.hard = try section.duration("time_limit")
        options.timeLimits.soft = try section.duration("soft_time_limit")
        if let priority = try section.number("priority") {
            guard let known = UInt8(exactly: priority) else { throw section.error("needs 0 to 255 for priority") }
            options.priority = known
        }
        return options
    }
}
