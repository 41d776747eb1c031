/// The header of one of the two blocks of a zone file (RFC 8536).
struct ZoneFileHeader {
    let version: UInt8
    /// Where the data begins.
    let start: Int
    let timeCount: Int
    let typeCount: Int
    private let charCount: Int
    private let leapCount: Int
    private let standardCount: Int
    private let utcCount: Int

    init?(_ bytes: [UInt8], at offset: Int) {
        guard offset >= 0, bytes.count - offset >= 44, bytes[offset..<offset + 4].elementsEqual("TZif".utf8) else {
            return nil
        }
        func count(_ index: Int) -> Int {
            let start = offset + 20 + 4 * index
            return bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
        }
        version = bytes[offset + 4]
        start = offset + 44
        utcCount = count(0)
        standardCount = count(1)
        leapCount = count(2)
        timeCount = count(3)
        typeCount = count(4)
        charCount = count(5)
        guard [utcCount, standardCount, leapCount, timeCount, typeCount, charCount].allSatisfy({ $0 <= 100_000 }) else {
            return nil
        }
    }

    /// Where the block ends.
    ///
    /// - Parameter timeSize: how many bytes a time takes.
    func end(timeSize: Int) -> Int {
        start + timeCount * (timeSize + 1) + typeCount * 6 + charCount + leapCount * (timeSize + 4) + standardCount
            + utcCount
    }
}
