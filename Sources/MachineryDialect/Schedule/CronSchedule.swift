public import CeleriacCore

public import struct FoundationEssentials.Date

/// When a periodic task is due, as Machinery's cron grammar says it: five fields (minute, hour, day of month, month, day of
/// week), `@every 1h30m`, `@daily` and its like, each with `CRON_TZ=Zone` in front if need be.
public struct CronSchedule: Sendable {
    private enum Kind: Sendable {
        /// Every so many seconds after the last time.
        case every(Int64)
        case fields(CronFields, ZoneRules)
    }
    private let kind: Kind

    /// Reads a schedule.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` that names what cannot be read.
    public init(_ spec: String) throws(CeleriacError) { try self.init(spec, local: ZoneRules.local) }

    init(_ spec: String, local: ZoneRules) throws(CeleriacError) {
        var rest = Substring(spec)
        var zone = local
        for prefix in ["CRON_TZ=", "TZ="] where rest.hasPrefix(prefix) {
            guard let space = rest.firstIndex(of: " ") else {
                throw CeleriacError(.configuration, "nothing follows the time zone in '\(spec)'")
            }
            let name = rest[..<space].dropFirst(prefix.utf8.count)
            guard let named = ZoneRules(name: String(name)) else {
                throw CeleriacError(.configuration, "there is no time zone '\(name)'")
            }
            zone = named
            rest = rest[space...].drop { $0 == " " }
            break
        }
        if rest.hasPrefix("@every ") {
            guard let seconds = GoDuration.seconds(rest.dropFirst(7)) else {
                throw CeleriacError(.configuration, "'\(rest.dropFirst(7))' is no duration: write 1h30m10s")
            }
            kind = .every(max(1, seconds))
        } else if rest.hasPrefix("@") {
            guard let expression = Self.descriptors[String(rest)] else {
                throw CeleriacError(.configuration, "'\(rest)' is no schedule")
            }
            kind = .fields(try CronFields(expression), zone)
        } else {
            kind = .fields(try CronFields(rest), zone)
        }
    }

    private static let descriptors: [String: Substring] = [
        "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
        "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
    ]

    /// The first time after `date`; nil where there is none within five years.
    public func next(after date: Date) -> Date? {
        let seconds = Int64(min(max(date.timeIntervalSince1970.rounded(.down), -4e10), 4e10))
        switch kind {
        case .every(let interval):
            return Date(timeIntervalSince1970: Double(seconds + interval))
        case .fields(let fields, let zone):
            return fields.next(after: seconds, in: zone).map { Date(timeIntervalSince1970: Double($0)) }
        }
    }
}
