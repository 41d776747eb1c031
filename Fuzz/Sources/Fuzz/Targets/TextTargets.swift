import FoundationEssentials

@testable import CeleriacAMQP
@testable import CeleriacRedis
@testable import CeleriacWire
@testable import CeleryDialect
@testable import CeleryWire
@testable import MachineryDialect
@testable import MachineryWire

/// Small grammars within messages and settings: times, numbers, schedules, addresses, patterns.
let textTargets: [FuzzTarget] = [
    FuzzTarget("times") { times(String(decoding: $0, as: UTF8.self)) },
    FuzzTarget("base64") { bytes in
        guard let content = try? Base64.decode(bytes) else { return }
        let text: [UInt8] = Base64.encode(content)
        let again = must("reading base64 again") { () throws(WireError) in try Base64.decode(text) }
        require(again == content, "base64 changes bytes")
    },
    FuzzTarget("zone") { zone($0) },
    FuzzTarget("crontab") { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        if let crontab = try? Crontab(text) { walk { crontab.next(after: $0) } }
        if let schedule = try? CronSchedule(text, local: .utc) { walk { schedule.next(after: $0) } }
    },
    FuzzTarget("urls") { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        _ = try? ConnectionURL(text)
        _ = (try? AMQPConfiguration(url: text)).map(String.init(describing:))
        _ = (try? RedisConfiguration(url: text)).map(String.init(describing:))
        _ = (try? RedisConfiguration(sentinelURLs: text, primaryName: "m")).map(String.init(describing:))
        _ = (try? RedisConfiguration(machineryURL: text, primaryName: "m")).map(String.init(describing:))
    },
    FuzzTarget("patterns") { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        let parts = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let name = parts.count > 1 ? parts[1] : "celery@host.example.org"
        for matcher in ["glob", "pcre"] {
            guard let pattern = try? NodePattern(parts[0], matcher: matcher) else { continue }
            _ = try? pattern.matches(name)
        }
        require(GlobPattern("*").matches(name), "a star does not match")
        let literal = name.unicodeScalars.map { $0 == "[" || $0 == "*" || $0 == "?" ? "[\($0)]" : String($0) }.joined()
        require(GlobPattern(literal).matches(name), "a pattern of the name's own characters does not match it")
    },
]

private func times(_ text: String) {
    if let time = GoTime(text) {
        require(GoTime(time.description) == time, "Go's time \(time) is not read back")
        _ = time.date
        _ = time.unixNanoseconds
    }
    if let date = ISO8601.parseInstant(text), let written = ISO8601.format(date) {
        require(ISO8601.parseInstant(written) == date, "the time \(written) is not read back")
    }
    if let date = CeleryTime.date(text) { _ = CeleryTime.text(date) }
    if let date = LocalDate(text) { require(LocalDate(date.description) == date, "the date \(date) is not read back") }
    if let time = LocalTime(text) { require(LocalTime(time.description) == time, "the time \(time) is not read back") }
    if let local = LocalDateTime(text) {
        require(LocalDateTime(local.description) == local, "the date and time \(local) is not read back")
    }
    if let seconds = GoDuration.seconds(text[...]) { require(seconds >= 0, "a duration is negative") }
    if let number = WireNumber(text) {
        require(WireNumber(number.text) == number, "the number \(number) is not read back")
    }
    if let value = try? DecimalText.decimal(text) { _ = DecimalText.text(of: value) }
}

/// The changes of a zone's clocks come one after another, and each clock time has its place among them.
private func zone(_ bytes: [UInt8]) {
    guard let zone = CalendarZone(name: "fuzz", file: bytes) else { return }
    var instant = Date(timeIntervalSince1970: -3_000_000_000)
    for _ in 0..<40 {
        if let local = zone.localTime(at: instant) { _ = zone.occurrence(of: local) }
        guard let change = zone.nextChange(after: instant) else { break }
        require(change.instant > instant, "a change is not after the time before it")
        instant = change.instant
    }
    for seconds in [-1e15, -1e9, 0, 1.7e9, 4e9, 1e12, 1e15] {
        _ = zone.offset(at: Date(timeIntervalSince1970: seconds))
    }
}

/// The runs of a schedule come one after another.
private func walk(_ next: (Date) -> Date?) {
    var last = Date(timeIntervalSince1970: 1_700_000_000)
    for _ in 0..<8 {
        guard let date = next(last) else { return }
        require(date > last, "a run is not after the last one")
        last = date
    }
}
