import Celeriac

/// Tells a message of Machinery from one of Celery.
enum MachineryInput {
    /// The bytes of a signature: the input itself, or the body of an AMQP message. Nil for anything else.
    static func signature(in input: [UInt8]) -> [UInt8]? {
        guard case .object(let object)? = try? WireJSON.decode(input, limits: limits, reading: .go) else { return nil }
        if case .string(let text)? = object["body_base64"] {
            guard object["headers"]?["task"] == nil, let body = try? Base64.decode(text),
                case .object(let inner)? = try? WireJSON.decode(body, limits: limits, reading: .go), isSignature(inner)
            else { return nil }
            return body
        }
        return isSignature(object) ? input : nil
    }

    /// A long chain is nested deep.
    private static var limits: WireLimits {
        var limits = WireLimits.default
        limits.maximumDepth = 400
        return limits
    }

    /// A signature has a name. An envelope has a body, and a message of Celery's first protocol names its `task`.
    private static func isSignature(_ object: WireObject) -> Bool {
        let keys = Set(object.keys.map { $0.lowercased() })
        return keys.contains("name") && !keys.contains("body") && !keys.contains("task")
    }
}
