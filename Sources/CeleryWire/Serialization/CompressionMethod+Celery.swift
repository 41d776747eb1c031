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
        guard case .string(let name) = header else {
            throw CeleryWireError(
                .unknownCompression, "the compression method must be a name, not \(header.kindInWords)",
                field: "compression")
        }
        guard let method = CompressionMethod(celeryName: name) else {
            throw .unknownCompression(name, field: "compression")
        }
        self = method
    }

    /// The shortest of kombu's names, by which its settings and ours know the method.
    private var shortName: String {
        switch self {
        case .zlib: "gzip"
        case .bzip2: "bzip2"
        case .xz: "lzma"
        case .zstd: "zstd"
        }
    }

    /// What a build knows whose codecs are those of the given methods, in words for errors.
    package static func inWords(
        available: [CompressionMethod] = CompressionMethod.allCases.filter(\.isAvailable)
    ) -> String {
        let known = available.map(\.shortName).joined(separator: ", ")
        let others = allCases.filter { !available.contains($0) }.map(\.shortName).joined(separator: ", ")
        return "this build knows \(known)"
            + (others.isEmpty ? "" : ", and with the package trait Compression also \(others)")
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
                .unknownCompression, "\(celeryMIMEType) is not available here: \(Self.inWords())", field: "compression",
                cause: error)
        }
        return CeleryWireError(code, message, field: "body", cause: error)
    }
}

extension CeleryWireError {
    /// A compression that no build knows by this name, which a message, a stored result or a setting has.
    static func unknownCompression(_ name: String, field: String? = nil) -> CeleryWireError {
        CeleryWireError(
            .unknownCompression,
            "there is no compression method \(CelerySerializer.excerpt(name)): \(CompressionMethod.inWords())",
            field: field)
    }
}
