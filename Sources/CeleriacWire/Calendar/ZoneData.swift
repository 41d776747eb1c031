/// The offsets of a zone over time: a list of transitions, and a rule for the time after the last one.
struct ZoneData: Sendable, Hashable {
    /// A change of the offset.
    struct Transition: Sendable, Hashable {
        /// Seconds since 1970 of the first second with the offset.
        var time: Int
        /// Seconds ahead of UTC.
        var offset: Int
    }

    /// Ascending.
    var transitions: [Transition]
    /// The offset before the first transition.
    var initialOffset: Int
    /// What holds after the last transition; nil if its offset stays.
    var rule: ZoneRule?

    func offset(at time: Int) -> Int {
        if let last = transitions.last, time < last.time { return listed(time)?.offset ?? initialOffset }
        return rule?.offset(at: time) ?? transitions.last?.offset ?? initialOffset
    }

    /// The next change of the offset after a time, and the offset before it.
    func nextTransition(after time: Int) -> (Transition, before: Int)? {
        let current = offset(at: time)
        var position = countOfListed(upTo: time)
        while transitions.indices.contains(position) {
            if transitions[position].offset != current { return (transitions[position], current) }
            position += 1
        }
        let begin = max(time, transitions.last?.time ?? time)
        guard let next = rule?.transitions(around: begin).first(where: { $0.time > begin && $0.offset != current })
        else { return nil }
        return (next, current)
    }

    private func listed(_ time: Int) -> Transition? {
        let count = countOfListed(upTo: time)
        return count > 0 ? transitions[count - 1] : nil
    }

    /// The number of listed transitions at or before a time.
    private func countOfListed(upTo time: Int) -> Int {
        var low = 0
        var high = transitions.count
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle].time <= time { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// Reads the files of the system's time zones: TZif, RFC 9636.
struct ZoneFile {
    /// The longest file to read, in bytes; real files have a few kilobytes.
    static let maximumBytes = 1 << 20

    private struct Counts {
        var universal = 0
        var standard = 0
        var leaps = 0
        var times = 0
        var types = 0
        var characters = 0

        func size(timeBytes: Int) -> Int {
            times * timeBytes + times + types * 6 + characters + leaps * (timeBytes + 4) + standard + universal
        }
    }

    private let bytes: [UInt8]
    private var position = 0

    /// Reads a file; nil if the bytes are not a zone file.
    static func read(_ bytes: [UInt8]) -> ZoneData? {
        var file = ZoneFile(bytes: bytes)
        return file.read()
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    private mutating func read() -> ZoneData? {
        guard let (version, first) = readHeader() else { return nil }
        guard version >= UInt8(ascii: "2") else { return readData(first, timeBytes: 4) }
        // The first block repeats the second with times of 32 bits instead of 64.
        guard skip(first.size(timeBytes: 4)), let (_, second) = readHeader(),
            var data = readData(second, timeBytes: 8), readByte() == UInt8(ascii: "\n"),
            let end = bytes[position...].firstIndex(of: UInt8(ascii: "\n"))
        else { return nil }
        let footer = bytes[position..<end]
        guard !footer.isEmpty else { return data }
        guard let rule = ZoneRule(footer) else { return nil }
        data.rule = rule
        return data
    }

    private mutating func readHeader() -> (version: UInt8, counts: Counts)? {
        for character in "TZif".utf8 where readByte() != character { return nil }
        guard let version = readByte(), skip(15) else { return nil }
        var counts = Counts()
        for path in [\Counts.universal, \.standard, \.leaps, \.times, \.types, \.characters] {
            guard let count = readInteger(4), 0...Self.maximumBytes ~= count else { return nil }
            counts[keyPath: path] = count
        }
        return (version, counts)
    }

    private mutating func readData(_ counts: Counts, timeBytes: Int) -> ZoneData? {
        guard counts.types > 0, counts.size(timeBytes: timeBytes) <= bytes.count - position else { return nil }
        var times: [Int] = []
        for _ in 0..<counts.times {
            guard let time = readInteger(timeBytes), (times.last ?? Int.min) < time else { return nil }
            times.append(time)
        }
        var kinds: [Int] = []
        for _ in 0..<counts.times {
            guard let kind = readByte(), kind < counts.types else { return nil }
            kinds.append(Int(kind))
        }
        var offsets: [Int] = []
        for _ in 0..<counts.types {
            guard let offset = readInteger(4), abs(offset) < 93_600, skip(2) else { return nil }
            offsets.append(offset)
        }
        let rest = counts.characters + counts.leaps * (timeBytes + 4) + counts.standard + counts.universal
        guard skip(rest) else { return nil }
        return ZoneData(
            transitions: zip(times, kinds).map { .init(time: $0, offset: offsets[$1]) }, initialOffset: offsets[0],
            rule: nil)
    }

    private mutating func readByte() -> UInt8? {
        guard position < bytes.count else { return nil }
        defer { position += 1 }
        return bytes[position]
    }

    /// A big-endian integer in two's complement.
    private mutating func readInteger(_ size: Int) -> Int? {
        guard bytes.count - position >= size else { return nil }
        var value: Int64 = 0
        for byte in bytes[position..<position + size] { value = value << 8 | Int64(byte) }
        position += size
        if size == 4 { value = Int64(Int32(truncatingIfNeeded: value)) }
        return Int(exactly: value)
    }

    private mutating func skip(_ count: Int) -> Bool {
        guard count <= bytes.count - position else { return false }
        position += count
        return true
    }
}
