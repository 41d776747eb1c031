/// Builds one value from the events of a document, without recursion.
struct YAMLComposer: ~Copyable {
    private let limits: WireLimits
    private var builder: WireValueBuilder
    private var frames: [Frame] = []
    private var anchors: [String: Node] = [:]

    /// A finished value, and what an alias to it counts for.
    private struct Node {
        var value: WireValue
        /// The number of values and keys in it.
        var tokens: Int
        /// The depth to which its containers are nested.
        var height: Int
    }

    /// A container that has not ended.
    private struct Frame {
        let anchor: String?
        let tokensBefore: Int
        var height = 1
        var awaitsKey: Bool
    }

    init(limits: WireLimits) {
        self.limits = limits
        self.builder = WireValueBuilder(limits: limits)
    }

    mutating func compose(_ events: consuming YAMLEventReader) throws(WireError) -> WireValue {
        var root: WireValue?
        while true {
            let event = try events.next()
            let node: Node?
            switch event.kind {
            case .streamEnd: return root ?? .null
            case .other: continue
            case .documentStart:
                guard root == nil else { throw event.place.error(.trailingBytes, "a second YAML document follows") }
                continue
            case .alias(let name): node = try resolveAlias(name, event.place)
            case .scalar(let text, let tag, let isPlain, let anchor):
                node = try readScalar(text, tag: tag, isPlain: isPlain, anchor: anchor, event.place)
            case .arrayStart(let tag, let anchor):
                try checkTag(tag, "tag:yaml.org,2002:seq", event.place)
                try open(.array, anchor: anchor, event.place)
                node = nil
            case .objectStart(let tag, let anchor):
                try checkTag(tag, "tag:yaml.org,2002:map", event.place)
                try open(.object, anchor: anchor, event.place)
                node = nil
            case .end: node = try close()
            }
            guard let node else { continue }
            if frames.isEmpty {
                root = node.value
            } else {
                add(node)
            }
        }
    }

    // MARK: Containers

    private mutating func open(
        _ container: WireValueBuilder.Container, anchor: String?, _ place: YAMLEvent.Place
    ) throws(WireError) {
        guard !awaitsKey else { throw Self.nonStringKey(place) }
        let tokensBefore = builder.tokensLeft
        try countTokens(1, place)
        guard frames.count < limits.maximumDepth else { throw .tooDeep(limits) }
        builder.open(container)
        // An alias to a container inside itself would be a cycle, so its name is unknown until it ends. Nor does the
        // name stand for an earlier value any more.
        if let anchor { anchors[anchor] = nil }
        frames.append(Frame(anchor: anchor, tokensBefore: tokensBefore, awaitsKey: container == .object))
    }

    private mutating func close() throws(WireError) -> Node? {
        let value = builder.close()
        guard let frame = frames.popLast() else { return nil }
        let node = Node(value: value, tokens: frame.tokensBefore - builder.tokensLeft, height: frame.height)
        if let anchor = frame.anchor { anchors[anchor] = node }
        return node
    }

    private mutating func add(_ node: Node) {
        builder.add(node.value)
        let last = frames.count - 1
        frames[last].height = max(frames[last].height, node.height + 1)
        frames[last].awaitsKey = builder.container == .object
    }

    private mutating func add(key: String) {
        builder.add(ObjectKey(key))
        frames[frames.count - 1].awaitsKey = false
    }

    private var awaitsKey: Bool { frames.last?.awaitsKey ?? false }

    // MARK: Scalars and aliases

    /// Reads a scalar. Adds a key to its object at once and returns `nil`.
    private mutating func readScalar(
        _ text: String, tag: String?, isPlain: Bool, anchor: String?, _ place: YAMLEvent.Place
    ) throws(WireError) -> Node? {
        // Long text counts for more: an alias repeats it for free here, but a writer writes it out each time.
        let tokens = 1 + text.utf8.count / 32
        try countTokens(tokens, place)
        let scalar = try YAMLScalar(text, tag: tag, isPlain: isPlain, place)
        let node = Node(value: scalar.value, tokens: tokens, height: 0)
        if let anchor { anchors[anchor] = node }
        guard awaitsKey else { return node }
        if scalar.isMerge { throw place.error(.unsupported, "YAML merge keys are not supported; write the keys out") }
        guard case .string(let key) = scalar.value, !scalar.isTimestamp else { throw Self.nonStringKey(place) }
        add(key: key)
        return nil
    }

    private mutating func resolveAlias(_ name: String, _ place: YAMLEvent.Place) throws(WireError) -> Node? {
        guard let node = anchors[name] else {
            throw place.error(.malformed, "a YAML alias has no anchor before it, or lies within its own value")
        }
        try countTokens(node.tokens, place)
        guard frames.count + node.height <= limits.maximumDepth else { throw .tooDeep(limits) }
        guard awaitsKey else { return node }
        guard case .string(let key) = node.value else { throw Self.nonStringKey(place) }
        add(key: key)
        return nil
    }

    private mutating func countTokens(_ count: Int, _ place: YAMLEvent.Place) throws(WireError) {
        guard builder.count(tokens: count) else { throw .tooManyTokens(limits) }
    }

    private func checkTag(_ tag: String?, _ plain: String, _ place: YAMLEvent.Place) throws(WireError) {
        guard tag == nil || tag == "!" || tag == plain else { throw YAMLScalar.unsupportedTag(place) }
    }

    private static func nonStringKey(_ place: YAMLEvent.Place) -> WireError {
        place.error(.nonStringKey, "a key of a YAML mapping is not text")
    }
}

/// The value of a YAML scalar, as PyYAML's resolver and safe constructor find it.
struct YAMLScalar {
    let value: WireValue
    /// Whether it is a plain `<<`, which merges mappings when it is a key.
    private(set) var isMerge = false
    /// Whether PyYAML reads it as a date or a date and time.
    private(set) var isTimestamp = false

    /// Resolves the text of a scalar. Without a tag, the spelling decides the type if the scalar is plain.
    init(_ text: String, tag: String?, isPlain: Bool, _ place: YAMLEvent.Place) throws(WireError) {
        if let tag, tag != "!" {
            value = try Self.value(of: text, tag: tag, place)
            isTimestamp = tag == "tag:yaml.org,2002:timestamp"
            return
        }
        guard isPlain else {
            value = .string(text)
            return
        }
        if let word = Self.word(text) {
            value = word
        } else if YAMLNumber.isInteger(text) {
            value = try YAMLNumber.integer(text, place)
        } else if YAMLNumber.isFloat(text) {
            value = try YAMLNumber.float(text, place)
        } else {
            value = .string(text)
            isMerge = text == "<<"
            isTimestamp = YAMLNumber.isTimestamp(text)
        }
    }

    private static func value(
        of text: String, tag: String, _ place: YAMLEvent.Place
    ) throws(WireError) -> WireValue {
        switch tag {
        case "tag:yaml.org,2002:str", "tag:yaml.org,2002:timestamp": return .string(text)
        case "tag:yaml.org,2002:null": return .null
        case "tag:yaml.org,2002:int": return try YAMLNumber.integer(text, place)
        case "tag:yaml.org,2002:float": return try YAMLNumber.float(text, place)
        case "tag:yaml.org,2002:bool":
            if case .bool(let flag)? = word(text.lowercased()) { return .bool(flag) }
            throw place.error(.malformed, "not a YAML boolean")
        case "tag:yaml.org,2002:binary":
            do {
                return .bytes(try Base64.decode(text))
            } catch {
                throw place.error(.invalidBase64, error.message)
            }
        default:
            throw unsupportedTag(place)
        }
    }

    static func unsupportedTag(_ place: YAMLEvent.Place) -> WireError {
        place.error(.unsupported, "this YAML tag is not one of the standard types that JSON has too")
    }

    private static func word(_ text: String) -> WireValue? {
        switch text {
        case "", "~", "null", "Null", "NULL": .null
        case "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON": .bool(true)
        case "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF": .bool(false)
        default: nil
        }
    }
}
