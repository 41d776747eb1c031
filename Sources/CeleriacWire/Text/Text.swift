/// Strings from bytes.
enum Text {
    /// Makes a string from UTF-8, or throws `invalidUTF8`. `offset` is the position of the bytes in the input.
    @inline(__always)
    static func string(_ bytes: Span<UInt8>, offset: Int) throws(WireError) -> String {
        do {
            return String(copying: try UTF8Span(validating: bytes))
        } catch {
            throw WireError(.invalidUTF8, "a string is not UTF-8", offset: offset + error.byteOffsets.lowerBound)
        }
    }

    /// Makes a string from bytes. Each byte that is not part of valid UTF-8 becomes U+FFFD, as in Go.
    static func replacingInvalid(_ bytes: Span<UInt8>) -> String {
        if let text = try? string(bytes, offset: 0) { return text }
        var valid: [UInt8] = []
        valid.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            let rest = bytes.extracting(index...)
            do {
                _ = try UTF8Span(validating: rest)
                rest.withUnsafeBufferPointer { valid.append(contentsOf: $0) }
                break
            } catch {
                let bad = error.byteOffsets.lowerBound
                rest.extracting(..<bad).withUnsafeBufferPointer { valid.append(contentsOf: $0) }
                valid.append(contentsOf: [0xef, 0xbf, 0xbd])
                index += bad + 1
            }
        }
        return String(decoding: valid, as: UTF8.self)
    }
}

/// Searches in text bytes, eight at a time.
enum TextScan {
    /// The end of the run of bytes from `start` on that need no escape in a JSON string: the position of the first
    /// quotation mark, reverse solidus or control character, or the end of the bytes.
    @inline(__always)
    static func endOfPlainRun(_ bytes: Span<UInt8>, from start: Int) -> Int {
        let raw = bytes.bytes
        let end = bytes.count
        var index = start
        while end &- index >= 8 {
            let word = raw.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self).littleEndian
            let found = specials(in: word)
            if found != 0 {
                return index &+ found.trailingZeroBitCount / 8
            }
            index &+= 8
        }
        while index < end {
            let byte = bytes[index]
            if byte < 0x20 || byte == 0x22 || byte == 0x5c { break }
            index &+= 1
        }
        return index
    }

    /// Like `endOfPlainRun`, but bytes above `~` end the run, too.
    @inline(__always)
    static func endOfPrintableRun(_ bytes: Span<UInt8>, from start: Int) -> Int {
        let raw = bytes.bytes
        let end = bytes.count
        var index = start
        while end &- index >= 8 {
            let word = raw.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self).littleEndian
            let found = specials(in: word) | zeros(in: word ^ 0x7f7f_7f7f_7f7f_7f7f) | (word & highBits)
            if found != 0 {
                return index &+ found.trailingZeroBitCount / 8
            }
            index &+= 8
        }
        while index < end {
            let byte = bytes[index]
            if byte < 0x20 || byte == 0x22 || byte == 0x5c || byte > 0x7e { break }
            index &+= 1
        }
        return index
    }

    /// Like `endOfPlainRun`, but what Go escapes ends the run, too: `<`, `>`, `&` and the separators U+2028 and U+2029.
    static func endOfGoRun(_ bytes: Span<UInt8>, from start: Int) -> Int {
        var index = start
        while index < bytes.count {
            let byte = bytes[index]
            if byte < 0x20 || byte == 0x22 || byte == 0x5c || byte == 0x3c || byte == 0x3e || byte == 0x26 { break }
            if byte == 0xe2, index + 2 < bytes.count, bytes[index + 1] == 0x80, bytes[index + 2] | 1 == 0xa9 { break }
            index += 1
        }
        return index
    }

    private static let highBits: UInt64 = 0x8080_8080_8080_8080

    /// The high bit of each byte that is a quotation mark, a reverse solidus or a control character. Because of borrows
    /// only the lowest bit that is set is reliable.
    @inline(__always)
    private static func specials(in word: UInt64) -> UInt64 {
        let controls = (word &- 0x2020_2020_2020_2020) & ~word & highBits
        return controls | zeros(in: word ^ 0x2222_2222_2222_2222) | zeros(in: word ^ 0x5c5c_5c5c_5c5c_5c5c)
    }

    /// The high bit of each byte that is zero. Again only the lowest one is reliable.
    @inline(__always)
    private static func zeros(in word: UInt64) -> UInt64 {
        (word &- 0x0101_0101_0101_0101) & ~word & highBits
    }
}
