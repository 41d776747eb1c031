/// Text from bytes.
enum Text {
    /// Makes a string of UTF-8, or throws `invalidUTF8`; `offset` is where the bytes lie in the input.
    @inline(__always)
    static func string(_ bytes: Span<UInt8>, offset: Int) throws(WireError) -> String {
        let string = bytes.withUnsafeBufferPointer { String(validating: $0, as: UTF8.self) }
        guard let string else {
            throw WireError(.invalidUTF8, "a string is not UTF-8", offset: offset)
        }
        return string
    }
}
