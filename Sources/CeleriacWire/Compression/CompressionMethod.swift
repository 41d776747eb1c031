/// A way to compress a message body.
///
/// zlib is always there; bzip2, xz and zstd are compiled in with the package trait `Compression`. Each reads and writes
/// what Python's module of the same purpose does: `zlib` the zlib format (RFC 1950, not gzip), `bz2`, `lzma` the .xz
/// container, `zstd` frames.
public enum CompressionMethod: String, Sendable, Hashable, CaseIterable {
    /// zlib (RFC 1950).
    case zlib
    /// bzip2.
    case bzip2
    /// LZMA2 in the .xz container.
    case xz
    /// Zstandard (RFC 8878).
    case zstd

    /// Whether this build has the codec.
    public var isAvailable: Bool {
        #if Compression
        true
        #else
        self == .zlib
        #endif
    }

    /// Compresses bytes, at the level that Python's module has as its default.
    ///
    /// - Throws: `WireError`: `codecUnavailable` when this build lacks the codec, `internalFailure` for want of memory.
    public func compress(_ bytes: [UInt8]) throws(WireError) -> [UInt8] {
        switch self {
        case .zlib: return try ZlibCodec.compress(bytes)
        #if Compression
        case .bzip2: return try Bzip2Codec.compress(bytes)
        case .xz: return try XZCodec.compress(bytes)
        case .zstd: return try ZstdCodec.compress(bytes)
        #else
        case .bzip2, .xz, .zstd: throw unavailable
        #endif
        }
    }

    /// Decompresses bytes, piece by piece, so that a small message which would fill the memory is stopped early.
    ///
    /// The bytes must be one whole stream and nothing else. bzip2, xz and zstd streams may follow one another, as their
    /// tools write them; what comes after is an error, where Python ignores it.
    ///
    /// - Throws: `WireError`: `decompressedTooLarge` past the limits, `truncated`, `trailingBytes`, `corruptCompression`,
    ///   `codecUnavailable` when this build lacks the codec, `tooLarge` when the compressed bytes exceed the limit.
    public func decompress(_ bytes: [UInt8], limits: WireLimits = .default) throws(WireError) -> [UInt8] {
        guard bytes.count <= limits.maximumMessageBytes else { throw .tooLarge(bytes.count, limits) }
        switch self {
        case .zlib: return try ZlibCodec.decompress(bytes, limits: limits)
        #if Compression
        case .bzip2: return try Bzip2Codec.decompress(bytes, limits: limits)
        case .xz: return try XZCodec.decompress(bytes, limits: limits)
        case .zstd: return try ZstdCodec.decompress(bytes, limits: limits)
        #else
        case .bzip2, .xz, .zstd: throw unavailable
        #endif
        }
    }

    #if !Compression
    private var unavailable: WireError {
        WireError(
            .codecUnavailable,
            "\(rawValue) is not compiled in; build with the package trait Compression, or let producers use zlib")
    }
    #endif
}
