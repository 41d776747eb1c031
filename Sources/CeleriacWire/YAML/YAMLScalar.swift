/// The value of a YAML scalar, as PyYAML's resolver and safe constructor find it.
struct YAMLScalar {
    let value: WireValue
    /// Whether it is a plain `<<`, which as a key merges mappings.
    private(set) var isMerge = false
    /// Whether it looks like a date or a date and time, which PyYAML makes of it.
    private(set) var isTimestamp = false

    /// - Parameter isPlain: Whether the look of the text decides its type.
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
        place.error(.unsupported, "a YAML tag that a safe loader does not construct, or one without a form here")
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
