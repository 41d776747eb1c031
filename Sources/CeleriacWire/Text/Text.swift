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
}
