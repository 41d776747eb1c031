import CeleriacWire

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

extension CeleryCompression {
    /// The method in the header `compression`; `nil` where the header is absent, null or empty.
    init?(header: WireValue?) throws(CeleryWireError) {
        guard let header, header.isTruthy else { return nil }
        guard case .string(let name) = header, let method = CeleryCompression(name: name) else {
            throw CeleryWireError(
                .unknownCompression, "the body is compressed by a method that is not known here", field: "compression")
        }
        self = method
    }

    private var method: CompressionMethod {
        switch self {
        case .zlib: .zlib
        case .bzip2: .bzip2
        case .lzma: .xz
        case .zstd: .zstd
        }
    }

    /// Compresses serialized bytes.
    func compress(_ bytes: [UInt8]) throws(CeleryWireError) -> [UInt8] {
        do throws(WireError) {
            return try method.compress(bytes)
        } catch {
            throw failure(error, or: .unrepresentable, "the body cannot be compressed")
        }
    }

    /// Gives the serialized bytes.
    func decompress(_ bytes: [UInt8], limits: WireLimits) throws(CeleryWireError) -> [UInt8] {
        do throws(WireError) {
            return try method.decompress(bytes, limits: limits)
        } catch {
            throw failure(error, or: .undecodableBody, "the body does not decompress")
        }
    }

    private func failure(
        _ error: WireError, or code: CeleryWireError.Code, _ message: String
    ) -> CeleryWireError {
        if error.code == .codecUnavailable {
            return CeleryWireError(
                .unknownCompression, "\(mimeType) is not available here", field: "compression", cause: error)
        }
        return CeleryWireError(code, message, field: "body", cause: error)
    }
}
