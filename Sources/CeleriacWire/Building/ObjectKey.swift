/// A key while its object is being read, with a summary by which most keys are told apart without comparing text.
struct ObjectKey {
    let text: String
    /// Equal for equal keys; 0 when it says nothing, which is so for every key beyond ASCII.
    let summary: UInt64

    /// Makes a key of its text and the UTF-8 that the text was made of.
    @inline(__always)
    init(_ text: String, utf8: Span<UInt8>) {
        self.text = text
        self.summary = Self.summary(of: utf8)
    }

    /// Makes a key that is always compared by its text.
    init(_ text: String) {
        self.text = text
        self.summary = 0
    }

    /// The first eight bytes, mixed with the last eight and the length.
    @inline(__always)
    private static func summary(of utf8: Span<UInt8>) -> UInt64 {
        let count = utf8.count
        guard count < 64 else { return 0 }
        var head: UInt64 = 0
        var tail: UInt64 = 0
        if count >= 8 {
            head = utf8.bytes.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt64.self)
            tail = utf8.bytes.unsafeLoadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
            var index = 8
            var middle: UInt64 = 0
            while index &+ 8 < count {
                middle |= utf8.bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
                index &+= 8
            }
            guard (head | middle | tail) & 0x8080_8080_8080_8080 == 0 else { return 0 }
        } else {
            for index in 0..<count {
                head = head << 8 | UInt64(utf8[index])
            }
            guard head & 0x8080_8080_8080_8080 == 0 else { return 0 }
        }
        // ASCII leaves the high bits of `head` free: the length goes there, plus one so that no summary is 0.
        let length = UInt64(count &+ 1)
        return (head &+ (tail << 9 | tail >> 55)) ^ (length &* 0x9e37_79b9_7f4a_7c15) | 1 << 63
    }
}
