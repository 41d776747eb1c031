import CeleriacWire
import CeleryWire

/// The decoded form of what a testee wrote, which checks look at.
enum ConformanceView: String, Sendable {
    /// A message in kombu's envelope: its parts, with the parsed body as `value` and the body's first bytes as `prefix`.
    case envelope
    /// A document in JSON, as stores have it.
    case document
    /// A body with its content type.
    case content

    /// Reads an answer.
    ///
    /// - Throws: What decoding throws; ``ConformanceError`` if a part of the answer is missing.
    func read(_ answer: WireValue) throws -> WireValue {
        switch self {
        case .envelope: return try Self.envelope(answer)
        case .document, .content:
            guard var object = answer.objectValue, let text = object["body"]?.stringValue else {
                throw ConformanceError("the answer has no body")
            }
            let type = object["content_type"]?.stringValue
            object["value"] = try Self.parsed(Base64.decode(text), contentType: type)
            return .object(object)
        }
    }

    private static func envelope(_ answer: WireValue) throws -> WireValue {
        guard let text = answer["envelope"]?.stringValue else { throw ConformanceError("the answer has no envelope") }
        guard case .object(var envelope) = try WireJSON.decode(Base64.decode(text), limits: .kit),
            let body = envelope["body"]?.stringValue
        else { throw ConformanceError("the envelope has no body") }
        let isBase64 = envelope["properties"]?["body_encoding"]?.stringValue == "base64"
        var bytes = isBase64 ? try Base64.decode(body) : Array(body.utf8)
        let prefix = bytes.prefix(6).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        envelope["prefix"] = .string(prefix)
        if let name = envelope["headers"]?["compression"]?.stringValue {
            guard let method = CompressionMethod(celeryName: name) else {
                throw ConformanceError("the compression \(name) is unknown")
            }
            bytes = try method.decompress(bytes)
        }
        envelope["value"] = try parsed(bytes, contentType: envelope["content-type"]?.stringValue)
        return .object(envelope)
    }

    private static func parsed(_ bytes: [UInt8], contentType: String?) throws -> WireValue {
        switch contentType {
        case "application/x-msgpack": try WireMessagePack.decode(bytes, limits: .kit)
        case "application/x-yaml": try WireYAML.decode(bytes, limits: .kit)
        default: try WireJSON.decode(bytes, limits: .kit)
        }
    }
}

/// A corpus or an answer that cannot be used, in a sentence.
struct ConformanceError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

extension WireLimits {
    /// What the kit reads of testees.
    static let kit = WireLimits(maximumDepth: 400)
}
