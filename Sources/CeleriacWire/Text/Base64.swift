/// Base64 with the standard alphabet and padding (RFC 4648 §4), the form of bodies in kombu envelopes.
///
/// The reader skips line breaks, spaces and tabs, which MIME encoders insert. Otherwise it is strict where Python's
/// `b64decode` skips what it does not know: any other character, missing padding and anything after the padding are
/// errors, since each means that bytes were lost.
package enum Base64 {
    /// Encodes bytes as ASCII.
    package static func encode(_ bytes: [UInt8]) -> [UInt8] {
        let count = (bytes.count + 2) / 3 * 4
        return Array(unsafeUninitializedCapacity: count) { output, initialized in
            write(bytes.span, to: output)
            initialized = count
        }
    }

    /// Encodes bytes as text.
    package static func encode(_ bytes: [UInt8]) -> String {
        let count = (bytes.count + 2) / 3 * 4
        return String(unsafeUninitializedCapacity: count) { output in
            write(bytes.span, to: output)
            return count
        }
    }

    /// Decodes ASCII, or throws `invalidBase64`.
    package static func decode(_ text: [UInt8]) throws(WireError) -> [UInt8] {
        try decode(text.span)
    }

    /// Decodes text, or throws `invalidBase64`.
    package static func decode(_ text: String) throws(WireError) -> [UInt8] {
        try decode(text.utf8Span.span)
    }

    // MARK: Encoding

    /// Fills `output`, which has room for exactly the encoded bytes.
    private static func write(_ bytes: Span<UInt8>, to output: UnsafeMutableBufferPointer<UInt8>) {
        let whole = bytes.count / 3 * 3
        var read = 0
        var written = 0
        while read < whole {
            let word = UInt32(bytes[read]) << 16 | UInt32(bytes[read &+ 1]) << 8 | UInt32(bytes[read &+ 2])
            output[written] = character(word >> 18)
            output[written &+ 1] = character(word >> 12)
            output[written &+ 2] = character(word >> 6)
            output[written &+ 3] = character(word)
            read &+= 3
            written &+= 4
        }
        guard read < bytes.count else { return }
        let second = read + 1 < bytes.count ? bytes[read + 1] : nil
        let word = UInt32(bytes[read]) << 16 | UInt32(second ?? 0) << 8
        output[written] = character(word >> 18)
        output[written + 1] = character(word >> 12)
        output[written + 2] = second == nil ? padding : character(word >> 6)
        output[written + 3] = padding
    }

    @inline(__always)
    private static func character(_ sextet: UInt32) -> UInt8 {
        alphabet.utf8Start[Int(sextet & 0x3f)]
    }

    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    private static let padding = UInt8(ascii: "=")

    // MARK: Decoding

    private static func decode(_ text: Span<UInt8>) throws(WireError) -> [UInt8] {
        var failure: WireError?
        let bytes = [UInt8](unsafeUninitializedCapacity: text.count / 4 * 3 + 3) { output, initialized in
            (initialized, failure) = read(text, to: output)
        }
        if let failure { throw failure }
        return bytes
    }

    /// Fills `output`, which has room for three bytes per four characters and three more, and returns how many it
    /// wrote.
    private static func read(
        _ text: Span<UInt8>, to output: UnsafeMutableBufferPointer<UInt8>
    ) -> (Int, WireError?) {
        let sextets = sextets
        let table = sextets.span
        let end = text.count
        var index = 0
        var written = 0
        // Four characters at a time, up to the first that is not in the alphabet.
        while end &- index >= 4 {
            let a = UInt32(table[Int(text[index])])
            let b = UInt32(table[Int(text[index &+ 1])])
            let c = UInt32(table[Int(text[index &+ 2])])
            let d = UInt32(table[Int(text[index &+ 3])])
            guard (a | b | c | d) & 0x80 == 0 else { break }
            let word = a << 18 | b << 12 | c << 6 | d
            output[written] = UInt8(truncatingIfNeeded: word >> 16)
            output[written &+ 1] = UInt8(truncatingIfNeeded: word >> 8)
            output[written &+ 2] = UInt8(truncatingIfNeeded: word)
            index &+= 4
            written &+= 3
        }
        var word: UInt32 = 0
        var sextetCount = 0
        var paddingCount = 0
        while index < end {
            let sextet = table[Int(text[index])]
            switch sextet {
            case 0..<64 where paddingCount == 0:
                word = word << 6 | UInt32(sextet)
                sextetCount += 1
                if sextetCount == 4 {
                    output[written] = UInt8(truncatingIfNeeded: word >> 16)
                    output[written + 1] = UInt8(truncatingIfNeeded: word >> 8)
                    output[written + 2] = UInt8(truncatingIfNeeded: word)
                    written += 3
                    word = 0
                    sextetCount = 0
                }
            case paddingMark where sextetCount + paddingCount < 4 && sextetCount >= 2:
                paddingCount += 1
            case blankMark:
                break
            default:
                return (
                    written, WireError(.invalidBase64, "this character is not allowed here in base64", offset: index)
                )
            }
            index += 1
        }
        switch (sextetCount, paddingCount) {
        case (0, 0):
            break
        case (2, 2):
            output[written] = UInt8(truncatingIfNeeded: word >> 4)
            written += 1
        case (3, 1):
            output[written] = UInt8(truncatingIfNeeded: word >> 10)
            output[written + 1] = UInt8(truncatingIfNeeded: word >> 2)
            written += 2
        default:
            return (written, WireError(.invalidBase64, "base64 ends early or lacks its padding", offset: end))
        }
        return (written, nil)
    }

    private static let paddingMark: UInt8 = 0x80
    private static let blankMark: UInt8 = 0x81

    /// The value of each character. Characters outside the alphabet have a mark with the high bit set.
    private static let sextets: [UInt8] = {
        var table = [UInt8](repeating: 0xff, count: 256)
        for value in 0..<64 {
            table[Int(character(UInt32(value)))] = UInt8(value)
        }
        table[Int(padding)] = paddingMark
        for blank in [0x20, 0x0a, 0x0d, 0x09] {
            table[blank] = blankMark
        }
        return table
    }()
}
