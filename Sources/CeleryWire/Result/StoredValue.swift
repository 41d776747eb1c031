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
            guard let end = rest.firstIndex(of: 0) else {
                throw CeleryWireError(
                    .unknownCompression, "the stored result is marked as compressed, but does not say how")
            }
            let name = String(decoding: rest[..<end], as: UTF8.self)
            guard let compression = CompressionMethod(celeryName: name) else { throw .unknownCompression(name) }
            bytes = try compression.decompressBody(Array(rest[(end + 1)...]), limits: limits)
            limits.maximumMessageBytes = limits.maximumDecompressedBytes
        }
        // An empty map of MessagePack has no second byte.
        if bytes.first == 0x80, serializer != .msgpack || bytes.count > 1 {
            throw CeleryWireError(
                .pickleRefused, "the stored result is a Python pickle; set result_serializer to 'json' at the worker")
        }
        do throws(CeleryWireError) {
            return try serializer.decode(bytes, limits: limits)
        } catch  where error.code == .undecodableBody {
            let message = error.message.replacing("the body", with: "the stored result", maxReplacements: 1)
            throw CeleryWireError(
                .malformedResult, message + (looks(bytes, otherThan: serializer) ?? ""), cause: error.cause)
        }
    }

    /// What to do about bytes that another serializer seems to have written: nothing else tells it.
    private static func looks(_ bytes: [UInt8], otherThan serializer: CelerySerializer) -> String? {
        guard let first = bytes.first else { return nil }
        let seeming: CelerySerializer =
            switch first {
            case 0x80...: .msgpack
            case UInt8(ascii: "{"), UInt8(ascii: "["): .json
            default: .yaml
            }
        // What is no JSON though it looks like it is no YAML either.
        guard seeming != serializer, (seeming, serializer) != (.json, .yaml) else { return nil }
        return "; if it is \(seeming.rawValue), set result_serializer to '\(seeming.rawValue)' here too"
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
