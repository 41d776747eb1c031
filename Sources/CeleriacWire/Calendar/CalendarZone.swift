public import FoundationEssentials

/// A time zone, which converts between instants and what its clocks show.
///
/// It reads the system's time zone files itself, because `TimeZone` finds zones by name only in a program that links
/// all of Foundation. `UTC` needs no file; the others need the operating system's zone data (Debian's package
/// `tzdata`).
public struct CalendarZone: Sendable, Hashable {
    /// The zone's name in the IANA database, for instance `Europe/Berlin`.
    public let name: String
    private let data: ZoneData

    /// Coordinated universal time.
    public static let utc = CalendarZone(name: "UTC", data: ZoneData(transitions: [], initialOffset: 0, rule: nil))

    /// Makes a zone from the content of a zone file (RFC 9636); `nil` if the content is not such a file.
    package init?(name: String, file content: [UInt8]) {
        guard content.count <= ZoneFile.maximumBytes, let data = ZoneFile.read(content) else { return nil }
        self.init(name: name, data: data)
    }

    init(name: String, data: ZoneData) {
        self.name = name
        self.data = data
    }

    // MARK: From instants to clocks

    /// How far the zone's clocks are ahead of UTC at an instant, in seconds.
    public func offset(at instant: Date) -> Int { data.offset(at: Self.seconds(instant)) }

    /// How far the zone's clocks are ahead of UTC at a time in seconds since 1970, in seconds.
    package func offset(atSecond second: Int) -> Int { data.offset(at: second) }

    /// What the zone's clocks show at an instant, to the microsecond; `nil` outside the years 1 to 9999.
    public func localTime(at instant: Date) -> LocalDateTime? {
        LocalDateTime(utc: instant.addingTimeInterval(Double(offset(at: instant))))
    }

    /// The next change of the zone's clocks after an instant; `nil` if they never change again.
    public func nextChange(after instant: Date) -> ZoneChange? {
        // A damaged file may name times beyond any calendar, which a date cannot tell apart.
        guard let (transition, before) = data.nextTransition(after: Self.seconds(instant)),
            transition.time <= Self.farthestSecond
        else { return nil }
        return ZoneChange(
            instant: Date(timeIntervalSince1970: Double(transition.time)), offsetBefore: before,
            offsetAfter: transition.offset)
    }

    // MARK: From clocks to instants

    /// When the zone's clocks show a time.
    public func occurrence(of local: LocalDateTime) -> ZoneOccurrence {
        let asUTC = local.instant()
        let seconds = Self.seconds(asUTC)
        // No zone changes its clocks twice within two days.
        var offsets = [seconds - 93_600, seconds, seconds + 93_600].map(data.offset(at:))
        offsets.sort(by: >)
        var instants: [Date] = []
        for (index, offset) in offsets.enumerated() where index == 0 || offset != offsets[index - 1] {
            if data.offset(at: seconds - offset) == offset {
                instants.append(asUTC.addingTimeInterval(Double(-offset)))
            }
        }
        switch (instants.first, instants.dropFirst().first) {
        case (let first?, let second?): return .twice(first, second)
        case (let first?, nil): return .once(first)
        // In a gap the smallest offset is the one before it.
        default: return .never(replacement: asUTC.addingTimeInterval(Double(-(offsets.last ?? 0))))
        }
    }

    /// A limit far beyond any calendar, yet far from an overflow.
    static let farthestSecond = 1_000_000_000_000

    /// Whole seconds since 1970, rounded down and limited to times that a calendar can have.
    private static func seconds(_ instant: Date) -> Int {
        let seconds = instant.timeIntervalSince1970.rounded(.down)
        return Int(exactly: min(max(seconds, Double(-farthestSecond)), Double(farthestSecond))) ?? 0
    }
}

// MARK: The system's zones

extension CalendarZone {
    /// Why a name does not lead to a zone.
    package enum Fault: Error {
        /// The text cannot be a zone's name.
        case invalidName
        /// No folder of zones has a file with this name.
        case unknown
        /// The file is damaged.
        case damaged
    }

    /// Reads a zone by its name in the IANA database.
    package static func named(_ name: String) throws(Fault) -> CalendarZone {
        if name == "UTC" || name == "Etc/UTC" { return .utc }
        guard isSafe(name) else { throw .invalidName }
        for folder in folders {
            guard let content = FileManager.default.contents(atPath: "\(folder)/\(name)") else { continue }
            guard let zone = CalendarZone(name: name, file: [UInt8](content)) else { throw .damaged }
            return zone
        }
        throw .unknown
    }

    /// The zone of the system's clock: the one that `TZ` names in the environment, or else that of `/etc/localtime`.
    package static let local: CalendarZone = {
        if let named = ProcessInfo.processInfo.environment["TZ"] {
            let name = named.hasPrefix(":") ? String(named.dropFirst()) : named
            if name.isEmpty { return .utc }
            if let zone = try? CalendarZone.named(name) { return zone }
        }
        let content = FileManager.default.contents(atPath: "/etc/localtime")
        return content.flatMap { CalendarZone(name: "Local", file: [UInt8]($0)) } ?? .utc
    }()

    /// Whether a name stays inside the folder of zones.
    private static func isSafe(_ name: String) -> Bool {
        guard 1...100 ~= name.utf8.count, !name.hasPrefix("/") else { return false }
        let known = name.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "_-+/".utf8.contains(byte)
        }
        return known && !name.split(separator: "/", omittingEmptySubsequences: false).contains("")
    }

    /// The folders in which systems keep their zones, in search order.
    private static var folders: [String] {
        let named = ProcessInfo.processInfo.environment["TZDIR"]?.nonEmpty
        let usual = ["/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo"]
        return (named.map { [$0] } ?? []) + usual
    }
}

/// A change of the clocks of a zone.
public struct ZoneChange: Sendable, Hashable {
    /// The first instant at which the new offset holds.
    public var instant: Date
    /// How far clocks were ahead of UTC before, in seconds.
    public var offsetBefore: Int
    /// How far clocks are ahead of UTC from then on, in seconds.
    public var offsetAfter: Int
}

/// When the clocks of a zone show a time.
public enum ZoneOccurrence: Sendable, Hashable {
    /// Once, at this instant.
    case once(Date)
    /// At both of these instants: clocks were put back in between, and the time came again.
    case twice(Date, Date)
    /// Never: clocks were put forward over it. The replacement is the instant at which they would have shown it without
    /// that change.
    case never(replacement: Date)
}
