/// A way to compress a message body.
///
/// zlib is always available; bzip2, xz and zstd come with the package trait `Compression`, which is on by default. Each
/// reads and writes the format of the corresponding Python module: `zlib` (RFC 1950, not gzip), `bz2`, `lzma` (the .xz
/// container) and `zstd` (frames).
public enum CompressionMethod: String, Sendable, Hashable, CaseIterable {
    /// zlib (RFC 1950).
    case zlib
    /// bzip2.
    case bzip2
    /// LZMA2 in the .xz container.
    case xz
    /// Zstandard (RFC 8878).
    case zstd

    /// Whether this build contains the codec.
    public var isAvailable: Bool {
        #if Compression
        true
        #else
        self == .zlib
        #endif
    }

    /// Compresses bytes at the default level of the Python module.
    ///
    /// - Throws: `WireError`: `codecUnavailable` when this build lacks the codec, `internalFailure` when memory runs
    ///   out.
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

    /// Decompresses bytes piece by piece, so that a small message cannot fill the memory.
    ///
    /// The bytes must be one whole stream and nothing else. With bzip2, xz and zstd several streams may follow one
    /// another, as their tools write them. Anything after that is an error, although Python ignores it.
    ///
    /// - Throws: `WireError`: `decompressedTooLarge` past the limits, `truncated`, `trailingBytes`,
    ///   `corruptCompression`, `codecUnavailable` when this build lacks the codec, `tooLarge` when the compressed bytes
    ///   exceed the limit.
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
            "\(rawValue) is not compiled in; build with the package trait Compression, or make producers use zlib")
    }
    #endif
}

/// The output of a decompression, which may grow up to a limit.
struct DecompressedBytes {
    private(set) var bytes: [UInt8] = []
    private let limit: Int

    /// The size that any message may reach, whatever its compression ratio.
    private static let alwaysAllowed = 16 << 20
    /// The largest piece. The codecs count bytes in 32 bits.
    private static let largestPiece = 1 << 30

    init(compressedCount: Int, limits: WireLimits) {
        let (product, overflow) = compressedCount.multipliedReportingOverflow(by: limits.maximumCompressionRatio)
        let byRatio = max(overflow ? Int.max : product, Self.alwaysAllowed)
        // `append` asks for one byte beyond the limit, which must not overflow.
        self.limit = min(byRatio, limits.maximumDecompressedBytes, Int.max - 1)
        bytes.reserveCapacity(min(compressedCount * 4, limit, Self.alwaysAllowed))
    }

    /// Lets `fill` write the next piece. It returns how many bytes it wrote, at most as many as the buffer has room
    /// for, and a result of its own.
    mutating func append<Result>(
        _ fill: (UnsafeMutableBufferPointer<UInt8>) -> (count: Int, Result)
    ) throws(WireError) -> Result {
        // One byte beyond the limit distinguishes "full" from "too much".
        let room = min(max(bytes.count, 4096), Self.largestPiece, limit - bytes.count + 1)
        var result: Result?
        bytes.append(addingCapacity: room) { output in
            output.withUnsafeMutableBufferPointer { buffer, initialized in
                let (count, value) = fill(buffer)
                initialized = count
                result = value
            }
        }
        guard bytes.count <= limit, let result else {
            throw WireError(
                .decompressedTooLarge,
                "the decompressed body exceeds \(limit) bytes, the limit for a compressed body of this size")
        }
        return result
    }
}

extension WireError {
    static func corrupt(_ format: String, at offset: Int) -> WireError {
        WireError(.corruptCompression, "the bytes are not \(format), or are damaged", offset: offset)
    }

    static func endOfCompressed(at offset: Int) -> WireError {
        WireError(.truncated, "compressed bytes end within their stream", offset: offset)
    }

    static func trailing(at offset: Int) -> WireError {
        WireError(.trailingBytes, "bytes follow the end of the compressed stream", offset: offset)
    }

    static var outOfMemory: WireError {
        WireError(.internalFailure, "a codec could not allocate its memory")
    }
}
