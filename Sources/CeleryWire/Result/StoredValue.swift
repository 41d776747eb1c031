import CeleriacWire

/// The bytes under a key of a result store: a serialized value, which Celery 5.7 and later may compress.
///
/// A compressed value has a prefix: `00 "celery-compressed" 00 <MIME type> 00 <data>`.
enum StoredValue {
    private static let mark: [UInt8] = [0] + "celery-compressed".utf8 + [0]

    static func decode(
        _ bytes: [UInt8], serializer: CelerySerializer, limits: WireLimits
    ) throws(CeleryWireError) -> WireValue {
        var bytes = bytes
        var limits = limits
        if bytes.first == 0, bytes.starts(with: mark) {
            let rest = bytes[mark.count...]
            guard let end = rest.firstIndex(of: 0),
                let compression = CompressionMethod(celeryName: String(decoding: rest[..<end], as: UTF8.self))
            else {
                throw CeleryWireError(
                    .unknownCompression, "the compression method of the result is unknown")
            }
            bytes = try compression.decompressBody(Array(rest[(end + 1)...]), limits: limits)
            limits.maximumMessageBytes = limits.maximumDecompressedBytes
        }
        if bytes.first == 0x80, serializer == .json {
            throw CeleryWireError(
                .pickleRefused, "the stored result is a Python pickle; set result_serializer to 'json' at the worker")
        }
        do throws(CeleryWireError) {
            return try serializer.decode(bytes, limits: limits)
        } catch  where error.code == .undecodableBody {
            throw CeleryWireError(
                .malformedResult, error.message.replacing("the body", with: "the stored result", maxReplacements: 1),
                cause: error.cause)
        }
    }

    static func encode(
        _ value: WireValue, serializer: CelerySerializer, compression: CompressionMethod?,
        nonFinite: NonFinitePolicy = .refuse, limits: WireLimits = .default
    ) throws(CeleryWireError) -> [UInt8] {
        let bytes = try serializer.encode(value, nonFinite: nonFinite, limits: limits)
        guard let compression else { return bytes }
        return mark + compression.celeryMIMEType.utf8 + [0] + (try compression.compressBody(bytes))
    }
}
