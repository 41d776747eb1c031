private let digits: [UInt8] = Array("0123456789abcdef".utf8)

/// Makes a random UUID (version 4) in lower case. All ids come from here: those of tasks, groups, claims and files.
///
/// It runs at least once for every message, so it formats the digits itself: `UUID` would format them in upper case
/// first.
package func randomUUID() -> String {
    var generator = SystemRandomNumberGenerator()
    // The version (4) and the variant (binary 10) take six of the 128 bits.
    let high = generator.next() & 0xffff_ffff_ffff_0fff | 0x0000_0000_0000_4000
    let low = generator.next() & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000
    return String(unsafeUninitializedCapacity: 36) { buffer in
        var position = 0
        for nibble in 0..<32 {
            if nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20 {
                buffer[position] = UInt8(ascii: "-")
                position += 1
            }
            let word = nibble < 16 ? high : low
            buffer[position] = digits[Int(truncatingIfNeeded: word >> (60 - 4 * UInt64(nibble & 15))) & 15]
            position += 1
        }
        return position
    }
}
