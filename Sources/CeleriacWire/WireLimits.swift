/// How much a decoder accepts before it refuses. Bytes from a broker are input from outside.
public struct WireLimits: Sendable, Hashable {
    /// Largest input, in bytes. 64 MiB unless set.
    public var maximumMessageBytes: Int
    /// Deepest nesting of arrays and objects. 128 unless set.
    ///
    /// Values are freed, compared and encoded by recursion, so a limit in the thousands can exhaust a small stack.
    public var maximumDepth: Int
    /// Most values in one message, keys included. 4 million unless set.
    public var maximumTokens: Int
    /// Largest result of a decompression, in bytes. 256 MiB unless set.
    public var maximumDecompressedBytes: Int
    /// Most bytes that one compressed byte may become, once the result exceeds 16 MiB. 2,000 unless set.
    ///
    /// zlib cannot exceed 1,032; bzip2, xz and zstd can, by far.
    public var maximumCompressionRatio: Int

    /// Makes limits; each has the default unless given.
    public init(
        maximumMessageBytes: Int = 64 << 20,
        maximumDepth: Int = 128,
        maximumTokens: Int = 4_000_000,
        maximumDecompressedBytes: Int = 256 << 20,
        maximumCompressionRatio: Int = 2_000
    ) {
        self.maximumMessageBytes = maximumMessageBytes
        self.maximumDepth = maximumDepth
        self.maximumTokens = maximumTokens
        self.maximumDecompressedBytes = maximumDecompressedBytes
        self.maximumCompressionRatio = maximumCompressionRatio
    }

    /// The limits that apply unless others are given.
    public static let `default` = WireLimits()
}

extension WireError {
    static func tooLarge(_ count: Int, _ limits: WireLimits) -> WireError {
        WireError(.tooLarge, "\(count) bytes; the limit is \(limits.maximumMessageBytes)")
    }

    static func tooDeep(_ limits: WireLimits, offset: Int? = nil) -> WireError {
        WireError(.tooDeep, "nested deeper than \(limits.maximumDepth) levels", offset: offset)
    }

    static func tooManyTokens(_ limits: WireLimits, offset: Int? = nil) -> WireError {
        WireError(.tooManyValues, "more than \(limits.maximumTokens) values and keys in one message", offset: offset)
    }
}
