public import CeleriacWire
public import FoundationEssentials

/// A time zone: what its clocks show at an instant, and at which instants they show a time.
///
/// It reads the system's time zone files itself, since `TimeZone` knows names only with all of Foundation. `UTC` needs no
/// file; the others need the operating system's zone data (Debian's package `tzdata`).
public struct Zone: Sendable, Hashable {
    /// The zone's name in the IANA data base, for instance `Europe/Berlin`.
    public let name: String
    private let data: ZoneData

    /// Coordinated universal time.
    public static let utc = Zone(name: "UTC", data: ZoneData(transitions: [], initialOffset: 0, rule: nil))

    /// A zone by its name in the IANA data base.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` when the system has no such zone or its file is damaged.
    public init(_ name: String) throws(CeleriacError) {
        if name == "UTC" || name == "Etc/UTC" {
            self = .utc
            return
        }
        guard Self.isSafe(name) else {
            throw CeleriacError(.configuration, "'\(name)' is no name of a time zone: use one such as Europe/Berlin")
        }
        for folder in Self.folders {
            guard let content = FileManager.default.contents(atPath: "\(folder)/\(name)") else { continue }
            guard content.count <= ZoneFile.maximumBytes, let data = ZoneFile.read([UInt8](content)) else {
                throw CeleriacError(.configuration, "the file of the time zone \(name) cannot be read")
            }
            self.init(name: name, data: data)
            return
        }
        throw CeleriacError(
            .configuration,
            "the system knows no time zone '\(name)': check the name, and that its zone data are installed (tzdata)")
    }

    /// A zone of the content of a zone file (RFC 9636); `nil` when it is none.
    public init?(name: String, file content: [UInt8]) {
        guard content.count <= ZoneFile.maximumBytes, let data = ZoneFile.read(content) else { return nil }
        self.init(name: name, data: data)
    }

    init(name: String, data: ZoneData) {
        self.name = name
        self.data = data
    }

    /// How far clocks are ahead of UTC at an instant, in seconds.
    public func offset(at instant: Date) -> Int { data.offset(at: Self.seconds(instant)) }

    /// What clocks show at an instant, to the microsecond; `nil` outside the years 1 to 9999.
    public func localTime(at instant: Date) -> LocalDateTime? {
        LocalDateTime(utc: instant.addingTimeInterval(Double(offset(at: instant))))
    }

    /// When clocks show a time.
    public func occurrence(of local: LocalDateTime) -> ZoneOccurrence {
        let asUTC = local.instant()
        let seconds = Self.seconds(asUTC)
        // Nowhere are clocks changed twice within two days.
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

    /// The next time that clocks are changed after an instant; `nil` when they never are again.
    public func nextChange(after instant: Date) -> ZoneChange? {
        data.nextTransition(after: Self.seconds(instant)).map { transition, before in
            ZoneChange(
                instant: Date(timeIntervalSince1970: Double(transition.time)), offsetBefore: before,
                offsetAfter: transition.offset)
        }
    }

    /// Whole seconds since 1970, rounded down; times far beyond any calendar are brought to its ends.
    private static func seconds(_ instant: Date) -> Int {
        let seconds = instant.timeIntervalSince1970.rounded(.down)
        return Int(exactly: min(max(seconds, -1e12), 1e12)) ?? 0
    }

    /// A name stays inside the folder of zones.
    private static func isSafe(_ name: String) -> Bool {
        guard 1...100 ~= name.utf8.count, !name.hasPrefix("/") else { return false }
        let known = name.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "_-+/".utf8.contains(byte)
        }
        return known && !name.split(separator: "/", omittingEmptySubsequences: false).contains("")
    }

    private static var folders: [String] {
        let named = ProcessInfo.processInfo.environment["TZDIR"].flatMap { $0.isEmpty ? nil : $0 }
        return (named.map { [$0] } ?? []) + ["/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo"]
    }
}
