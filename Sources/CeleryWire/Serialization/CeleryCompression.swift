/// A compression method of kombu's registry, by the name that Celery's `task_compression` uses.
///
/// kombu's names are not those of the formats: what it calls gzip, in the header too, is the zlib format (RFC 1950), and
/// what it calls lzma is an xz container.
public enum CeleryCompression: String, Sendable, Hashable, CaseIterable {
    /// zlib format; kombu's `gzip` and `zlib`.
    case zlib
    /// bzip2 format; kombu's `bzip2` and `bzip`.
    case bzip2
    /// xz container; kombu's `lzma` and `xz`.
    case lzma
    /// Zstandard format; kombu's `zstd` and `zstandard`.
    case zstd

    /// The MIME type that the header `compression` carries.
    public var mimeType: String {
        switch self {
        case .zlib: "application/x-gzip"
        case .bzip2: "application/x-bz2"
        case .lzma: "application/x-lzma"
        case .zstd: "application/zstd"
        }
    }

    /// The method of a MIME type or of one of kombu's names, both of which its reader accepts; `nil` for any other.
    public init?(name: String) {
        switch name {
        case "application/x-gzip", "gzip", "zlib": self = .zlib
        case "application/x-bz2", "bzip2", "bzip": self = .bzip2
        case "application/x-lzma", "lzma", "xz": self = .lzma
        case "application/zstd", "zstd", "zstandard": self = .zstd
        default: return nil
        }
    }
}
