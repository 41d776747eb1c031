/// How much a decoder accepts, so that a hostile or broken message cannot exhaust memory, stack or time.
public struct WireLimits: Sendable, Hashable {
    /// The largest input, in bytes. 64 MiB by default.
    public var maximumMessageBytes: Int
    /// The deepest nesting of arrays and objects. 128 by default.
    ///
    /// Values are freed, compared and encoded recursively, so a limit in the thousands can exhaust a small stack.
    public var maximumDepth: Int
    /// The largest number of values in one message, keys included. 4 million by default.
    public var maximumTokens: Int
    /// The largest result of a decompression, in bytes. 256 MiB by default.
    public var maximumDecompressedBytes: Int
    /// The largest ratio of decompressed to compressed bytes once the result exceeds 16 MiB. 2,000 by default.
    ///
    /// zlib cannot exceed 1,032; bzip2, xz and zstd can exceed it by far.
    public var maximumCompressionRatio: Int

    /// Creates limits.
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

    /// The default limits.
    public static let `default` = WireLimits()
}

extension WireLimits {
    /// The same limits for bytes of any number, which are in memory already: for what is passed on rather than run.
    package var ofAnySize: WireLimits {
        var limits = self
        limits.maximumMessageBytes = .max
        return limits
    }
}

extension WireError {
    static func tooLarge(_ count: Int, _ limits: WireLimits) -> WireError {
        WireError(.tooLarge, "\(count) bytes; the limit is \(limits.maximumMessageBytes)")
    }

    static func tooDeep(_ limits: WireLimits, offset: Int? = nil) -> WireError {
        tooDeep(limits.maximumDepth, offset: offset)
    }

    static func tooDeep(_ maximumDepth: Int, offset: Int? = nil) -> WireError {
        WireError(.tooDeep, "nested deeper than \(maximumDepth) levels", offset: offset)
    }

    static func tooManyTokens(_ limits: WireLimits, offset: Int? = nil) -> WireError {
        WireError(.tooManyValues, "more than \(limits.maximumTokens) values and keys in one message", offset: offset)
    }
}
