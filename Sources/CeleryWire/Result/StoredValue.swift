import CeleriacWire

/// What stands under a key of a result store: a serialized value, since Celery 5.7 compressed where the writer says so.
///
/// A compressed value is marked in front: `00 "celery-compressed" 00 <MIME type> 00 <data>`.
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
                let compression = CeleryCompression(name: String(decoding: rest[..<end], as: UTF8.self))
            else {
                throw CeleryWireError(
                    .unknownCompression, "the result is compressed by a method that is not known here")
            }
            bytes = try compression.decompress(Array(rest[(end + 1)...]), limits: limits)
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
                .malformedResult, "the stored result is not \(serializer.rawValue)", cause: error.cause)
        }
    }

    static func encode(
        _ value: WireValue, serializer: CelerySerializer, compression: CeleryCompression?,
        nonFinite: NonFinitePolicy = .refuse
    ) throws(CeleryWireError) -> [UInt8] {
        let bytes = try serializer.encode(value, nonFinite: nonFinite)
        guard let compression else { return bytes }
        return mark + compression.mimeType.utf8 + [0] + (try compression.compress(bytes))
    }
}
