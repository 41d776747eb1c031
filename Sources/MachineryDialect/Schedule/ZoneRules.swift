import struct FoundationEssentials.Data
import class FoundationEssentials.ProcessInfo
import struct FoundationEssentials.URL

/// When the clocks of a zone show which offset from UTC, as the system's zone files (RFC 8536) say. FoundationEssentials
/// knows UTC only.
struct ZoneRules: Sendable {
    /// From when on an offset holds: seconds since 1970.
    private var starts: [Int64] = []
    /// The offsets that then hold, in seconds east of UTC.
    private var offsets: [Int64] = []
    /// The offset before the first of them.
    private var first: Int64 = 0
    /// What holds after the last of them.
    private var later: ZoneFormula?

    /// UTC.
    static let utc = ZoneRules()

    private init() {}

    /// Rules without exceptions.
    init(formula: ZoneFormula) { later = formula }

    /// The zone of the system's clock: that of `TZ` in the environment, or of `/etc/localtime`.
    static let local: ZoneRules = {
        if let name = ProcessInfo.processInfo.environment["TZ"] {
            let name = name.first == ":" ? String(name.dropFirst()) : name
            if name.isEmpty { return utc }
            if let named = ZoneRules(name: name) { return named }
        }
        return ZoneRules(file: "/etc/localtime") ?? utc
    }()

    /// The rules of a zone by its name, for instance `Europe/Berlin`; nil where the system has no such zone.
    init?(name: String) {
        if name == "UTC" || name.isEmpty {
            self = .utc
            return
        }
        let isSafe = name.utf8.allSatisfy { byte in
            byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z") || "0123456789/_+-".utf8.contains(byte)
        }
        guard isSafe, name.first != "/" else { return nil }
        self.init(file: "/usr/share/zoneinfo/" + name)
    }

    init?(file: String) {
        guard let data = try? Data(contentsOf: URL(filePath: file)), data.count < 1 << 20 else { return nil }
        self.init(Array(data))
    }

    /// Reads a zone file of version 2 or later.
    init?(_ bytes: [UInt8]) {
        guard let short = ZoneFileHeader(bytes, at: 0), short.version >= UInt8(ascii: "2"),
            let long = ZoneFileHeader(bytes, at: short.end(timeSize: 4))
        else { return nil }
        let end = long.end(timeSize: 8)
        guard end <= bytes.count, long.typeCount > 0 else { return nil }
        func number(at offset: Int, size: Int) -> Int64 {
            let value = bytes[offset..<offset + size].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            return size == 4 ? Int64(Int32(truncatingIfNeeded: value)) : Int64(bitPattern: value)
        }
        let times = long.start
        let indices = times + 8 * long.timeCount
        let types = indices + long.timeCount
        func offset(ofType type: Int) -> Int64? {
            type < long.typeCount ? number(at: types + 6 * type, size: 4) : nil
        }
        first = offset(ofType: 0) ?? 0
        for index in 0..<long.timeCount {
            guard let offset = offset(ofType: Int(bytes[indices + index])) else { return nil }
            starts.append(number(at: times + 8 * index, size: 8))
            offsets.append(offset)
        }
        let footer = bytes[end...].drop { $0 == 0x0a }.prefix { $0 != 0x0a }
        later = ZoneFormula(String(decoding: footer, as: UTF8.self))
    }

    /// The offset at an instant, in seconds east of UTC.
    func offset(at seconds: Int64) -> Int64 {
        guard let last = starts.last, seconds < last else {
            return later?.offset(at: seconds) ?? offsets.last ?? first
        }
        // The last start that is not after it.
        var low = 0
        var high = starts.count
        while low < high {
            let middle = (low + high) / 2
            if starts[middle] <= seconds { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? first : offsets[low - 1]
    }
}
