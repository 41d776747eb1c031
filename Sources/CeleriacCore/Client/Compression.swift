/// How a message's body is compressed, by the name that Celery uses for it.
public struct Compression: Sendable, Hashable, RawRepresentable, CustomStringConvertible {
    /// The name.
    public var rawValue: String

    /// A compression by its name.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// zlib (RFC 1950), which Celery also calls `gzip`.
    public static let zlib = Compression(rawValue: "zlib")
    /// bzip2; needs the package trait `Compression`.
    public static let bzip2 = Compression(rawValue: "bzip2")
    /// xz, which Celery also calls `lzma`; needs the package trait `Compression`.
    public static let xz = Compression(rawValue: "xz")
    /// Zstandard; needs the package trait `Compression`.
    public static let zstd = Compression(rawValue: "zstd")

    /// The name.
    public var description: String { rawValue }
}
