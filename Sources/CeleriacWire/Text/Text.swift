/// Text from bytes.
enum Text {
    /// Makes a string of UTF-8, or throws `invalidUTF8`; `offset` is where the bytes lie in the input.
    @inline(__always)
    static func string(_ bytes: Span<UInt8>, offset: Int) throws(WireError) -> String {
        do {
            return String(copying: try UTF8Span(validating: bytes))
        } catch {
            throw WireError(.invalidUTF8, "a string is not UTF-8", offset: offset + error.byteOffsets.lowerBound)
        }
    }

    /// Makes a string of bytes; each byte that is not part of UTF-8 becomes U+FFFD, as in Go.
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
