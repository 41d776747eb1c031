/// The position of a coder within a value: a list from the inside out, only as long as user types are nested.
struct CodingPath {
    private var innermost: Step?
    /// The number of steps from the root.
    private(set) var depth = 0

    private final class Step: Sendable {
        let key: any CodingKey
        let outer: Step?

        init(key: any CodingKey, outer: Step?) {
            self.key = key
            self.outer = outer
        }
    }

    func appending(_ key: some CodingKey) -> CodingPath {
        var path = self
        path.innermost = Step(key: key, outer: innermost)
        path.depth += 1
        return path
    }

    /// The same position, one call deeper: the content of a single value container. Counting these calls limits
    /// recursion without keys.
    func appendingNothing() -> CodingPath {
        var path = self
        path.depth += 1
        return path
    }

    /// The keys from the outside in.
    var keys: [any CodingKey] {
        var keys: [any CodingKey] = []
        var step = innermost
        while let current = step {
            keys.append(current.key)
            step = current.outer
        }
        return keys.reversed()
    }

    /// The path as people write it: `address.lines[2]`.
    static func text(of keys: [any CodingKey]) -> String {
        var text = ""
        for key in keys {
            if let index = key as? IndexKey {
                text += "[\(index.index)]"
            } else {
                text += text.isEmpty ? key.stringValue : ".\(key.stringValue)"
            }
        }
        return text
    }
}

/// A position in an array, as a coding key.
struct IndexKey: CodingKey {
    let index: Int

    init(_ index: Int) {
        self.index = index
    }

    init?(intValue: Int) {
        index = intValue
    }

    init?(stringValue: String) {
        guard let value = Int(stringValue) else { return nil }
        index = value
    }

    var intValue: Int? { index }
    var stringValue: String { String(index) }
}

/// The key under which a keyed container stores a superclass.
struct SuperKey: CodingKey {
    init() {}

    init?(intValue: Int) {
        nil
    }

    init?(stringValue: String) {
        nil
    }

    var intValue: Int? { nil }
    var stringValue: String { "super" }
}

extension WireError {
    /// Translates what a container or a type's `init(from:)` threw.
    init(_ error: DecodingError) {
        switch error {
        case .typeMismatch(_, let context):
            self.init(.typeMismatch, context.debugDescription, context.codingPath, context.underlyingError)
        case .valueNotFound(_, let context):
            self.init(.valueMissing, context.debugDescription, context.codingPath, context.underlyingError)
        case .keyNotFound(let key, let context):
            self.init(
                .valueMissing, "the key is missing", context.codingPath + [key], context.underlyingError)
        case .dataCorrupted(let context):
            self.init(.malformed, context.debugDescription, context.codingPath, context.underlyingError)
        @unknown default:
            self.init(.malformed, "the value could not be decoded")
        }
    }

    /// Translates what a container or a type's `encode(to:)` threw.
    init(_ error: EncodingError) {
        switch error {
        case .invalidValue(_, let context):
            self.init(.unsupported, context.debugDescription, context.codingPath, context.underlyingError)
        @unknown default:
            self.init(.unsupported, "the value could not be encoded")
        }
    }

    private init(_ code: Code, _ text: String, _ path: [any CodingKey], _ cause: (any Error)?) {
        let cause = cause as? WireError
        let text = cause?.message ?? text
        let place = CodingPath.text(of: path)
        self.init(cause?.code ?? code, place.isEmpty ? text : "\(place): \(text)")
    }
}

extension DecodingError.Context {
    init(_ path: CodingPath, _ error: WireError) {
        self.init(codingPath: path.keys, debugDescription: error.message, underlyingError: error)
    }
}

extension EncodingError.Context {
    init(_ path: CodingPath, _ error: WireError) {
        self.init(codingPath: path.keys, debugDescription: error.message, underlyingError: error)
    }
}
