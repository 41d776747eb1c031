import CeleriacWire

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
