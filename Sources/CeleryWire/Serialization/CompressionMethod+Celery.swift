public import CeleriacWire

/// The compression methods of kombu's registry.
///
/// kombu's names are not those of the formats: its gzip, in the header too, is the zlib format (RFC 1950), and its lzma
/// is an xz container.
extension CompressionMethod {
    /// The MIME type that Celery's header `compression` carries.
    public var celeryMIMEType: String {
        switch self {
        case .zlib: "application/x-gzip"
        case .bzip2: "application/x-bz2"
        case .xz: "application/x-lzma"
        case .zstd: "application/zstd"
        }
    }

    /// Finds the method with one of kombu's names (`task_compression`) or with a MIME type, both of which kombu accepts
    /// in the header; `nil` for any other name.
    public init?(celeryName name: String) {
        switch name {
        case "application/x-gzip", "gzip", "zlib": self = .zlib
        case "application/x-bz2", "bzip2", "bzip": self = .bzip2
        case "application/x-lzma", "lzma", "xz": self = .xz
        case "application/zstd", "zstd", "zstandard": self = .zstd
        default: return nil
        }
    }

    /// Reads the header `compression`; `nil` if it is absent, null or empty.
    init?(header: WireValue?) throws(CeleryWireError) {
        guard let header, header.isTruthy else { return nil }
        guard case .string(let name) = header, let method = CompressionMethod(celeryName: name) else {
            throw CeleryWireError(
                .unknownCompression, "the compression method of the body is unknown", field: "compression")
        }
        self = method
    }

    /// Compresses a serialized body.
    func compressBody(_ bytes: [UInt8]) throws(CeleryWireError) -> [UInt8] {
        do throws(WireError) {
            return try compress(bytes)
        } catch {
            throw failure(error, or: .unrepresentable, "the body cannot be compressed")
        }
    }

    /// Decompresses a serialized body.
    func decompressBody(_ bytes: [UInt8], limits: WireLimits) throws(CeleryWireError) -> [UInt8] {
        do throws(WireError) {
            return try decompress(bytes, limits: limits)
        } catch {
            throw failure(error, or: .undecodableBody, "the body cannot be decompressed")
        }
    }

    private func failure(
        _ error: WireError, or code: CeleryWireError.Code, _ message: String
    ) -> CeleryWireError {
        if error.code == .codecUnavailable {
            return CeleryWireError(
                .unknownCompression, "\(celeryMIMEType) is not available here", field: "compression", cause: error)
        }
        return CeleryWireError(code, message, field: "body", cause: error)
    }
}
