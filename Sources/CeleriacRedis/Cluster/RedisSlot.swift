#if Redis

/// A slot of a Redis Cluster: each key lies in one of 16,384, and a node of the cluster serves each.
package struct RedisSlot: Sendable, Hashable {
    /// How many slots there are.
    package static let count = 16_384

    /// The slot's number, below ``count``.
    package let number: Int

    /// Creates the slot of a number; nil if there is none.
    package init?(number: Int) {
        guard 0..<Self.count ~= number else { return nil }
        self.number = number
    }

    /// Creates the slot of a key: the CRC16 of its hash tag, or without one of the whole key.
    package init<Key: Collection<UInt8>>(ofKey key: Key) {
        number = Int(Self.checksum(Self.tag(of: key) ?? key[...])) % Self.count
    }

    /// Creates the slot of a key that is text.
    package init(ofKey key: String) { self.init(ofKey: key.utf8) }

    /// What a key must begin with to lie in the slot of another key.
    package static func beginning(besides key: String) -> String {
        if tag(of: key.utf8) != nil { return key }
        if !key.isEmpty, !key.utf8.contains(UInt8(ascii: "}")) { return "{\(key)}" }
        // A tag cannot contain the key. Some number below 109,758 lies in each slot.
        let slot = RedisSlot(ofKey: key)
        let number = (0..<200_000).first { RedisSlot(ofKey: String($0)) == slot }
        return number.map { "{\($0)}\(key)" } ?? "{\(key)}"
    }

    /// Whether all keys that begin with a prefix lie in one slot.
    package static func isOne(ofKeysBeginningWith prefix: String) -> Bool { tag(of: prefix.utf8) != nil }

    /// The hash tag: what stands between the first `{` and the next `}`, if that is not nothing.
    private static func tag<Key: Collection<UInt8>>(of key: Key) -> Key.SubSequence? {
        guard let brace = key.firstIndex(of: UInt8(ascii: "{")) else { return nil }
        let rest = key[key.index(after: brace)...]
        guard let end = rest.firstIndex(of: UInt8(ascii: "}")), end > rest.startIndex else { return nil }
        return rest[..<end]
    }

    /// CRC16 as XMODEM has it.
    private static func checksum(_ bytes: some Sequence<UInt8>) -> UInt16 {
        bytes.reduce(0) { sum, byte in sum << 8 ^ table[Int(sum >> 8 ^ UInt16(byte))] }
    }

    private static let table: [UInt16] = (0..<256).map { (byte: UInt16) -> UInt16 in
        (0..<8).reduce(byte << 8) { sum, _ in sum & 0x8000 == 0 ? sum << 1 : sum << 1 ^ 0x1021 }
    }
}
#endif
