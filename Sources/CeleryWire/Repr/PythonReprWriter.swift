import CeleriacWire

/// Writes one value as `saferepr` does, token by token, with its rules of cutting.
///
/// Tokens are counted against the length in Unicode scalars, as Python counts. Once it is used up, `, ...` stands for the
/// rest and the containers that are open are closed. The depth limit bounds the recursion.
struct PythonReprWriter {
    private(set) var output = ""
    private var remaining: Int
    private let maximumDepth: Int
    private var depth = 0
    /// Whether the length is used up and only closing brackets follow.
    private var stopped = false

    init(limits: PythonRepr) {
        self.init(remaining: limits.maximumLength, maximumDepth: limits.maximumDepth)
    }

    private init(remaining: Int, maximumDepth: Int) {
        self.remaining = remaining
        // Celery takes 0 for no limit; a limit that bounds the recursion is needed here.
        self.maximumDepth = maximumDepth > 0 ? min(maximumDepth, 64) : 64
    }

    mutating func write(_ value: WireValue) {
        switch value {
        case .null: word("None")
        case .bool(let value): word(value ? "True" : "False")
        case .int(let value): word(String(value))
        case .number(let text): word(text)
        case .double(let value): word(Self.float(value))
        case .string(let text): quoted(text)
        case .bytes(let bytes): self.bytes(bytes)
        case .array(let values):
            container("[", "]", values) { writer, value in writer.write(value) }
        case .object(let object):
            if let text = PythonLiteral.text(ofEnvelope: value) {
                word(text)
            } else if let bytes = PythonLiteral.bytes(ofEnvelope: value) {
                self.bytes(bytes)
            } else {
                container("{", "}", object) { writer, element in
                    writer.key(element.key)
                    writer.token(": ")
                    writer.write(element.value)
                }
            }
        }
    }

    mutating func writeTuple(_ values: [WireValue]) {
        container("(", values.count == 1 ? ",)" : ")", values) { writer, value in writer.write(value) }
    }

    // MARK: Containers

    private mutating func container<Elements: RandomAccessCollection>(
        _ start: String, _ end: String, _ elements: Elements, write: (inout Self, Elements.Element) -> Void
    ) {
        guard depth < maximumDepth else { return token(start + "..." + end) }
        token(start)
        // A container that begins past the length is not shown at all.
        guard !stopped else { return }
        depth += 1
        var isFirst = true
        for element in elements {
            if !isFirst { token(", ") }
            isFirst = false
            write(&self, element)
            if stopped { break }
        }
        depth -= 1
        output += end
        if !stopped, remaining > 0 { remaining -= end.unicodeScalars.count }
    }

    // MARK: Tokens

    /// Writes text that is not cut, or what stands for the rest.
    private mutating func token(_ text: @autoclosure () -> String) {
        guard !stopped else { return }
        guard remaining > 0 else {
            output += ", ..."
            stopped = true
            return
        }
        let text = text()
        output += text
        remaining -= text.unicodeScalars.count
    }

    private mutating func word(_ text: @autoclosure () -> String) {
        let limit = remaining
        token(Self.truncated(text(), limit))
    }

    /// Celery quotes with apostrophes, escapes those and nothing else.
    private mutating func quoted(_ text: String) {
        let limit = remaining
        token(Self.quotation(text, limit))
    }

    /// A key is written by a writer of its own, which has what is left of the length.
    private mutating func key(_ text: String) {
        let limit = remaining
        token(Self.quotation(text, limit))
    }

    private mutating func bytes(_ bytes: [UInt8]) {
        let limit = remaining
        token(Self.bytesLiteral(bytes, limit))
    }

    private static func quotation(_ text: String, _ limit: Int) -> String {
        let text = truncated(text, limit)
        guard text.utf8.contains(UInt8(ascii: "'")) else { return "'\(text)'" }
        var quoted = "'"
        for scalar in text.unicodeScalars {
            if scalar == "'" { quoted += "\\" }
            quoted.unicodeScalars.append(scalar)
        }
        return quoted + "'"
    }

    private static func bytesLiteral(_ bytes: [UInt8], _ limit: Int) -> String {
        let shown = Array(bytes.prefix(limit))
        let text = String(validating: shown, as: UTF8.self) ?? PythonLiteral.hexadecimal(shown)
        return "b'\(text)\(bytes.count > limit ? "..." : "")'"
    }

    /// Text of `limit` and more characters is cut there, at the last space before if there is one.
    private static func truncated(_ text: String, _ limit: Int) -> String {
        guard text.utf8.count >= limit else { return text }
        let scalars = text.unicodeScalars
        guard let end = scalars.index(scalars.startIndex, offsetBy: limit, limitedBy: scalars.endIndex) else {
            return text
        }
        let head = scalars[..<end]
        return String(head[..<(head.lastIndex(of: " ") ?? end)]) + "..."
    }

    private static func float(_ value: Double) -> String {
        if value.isNaN { return "nan" }
        if value.isInfinite { return value < 0 ? "-inf" : "inf" }
        // The writer of JSON writes floats as Python does.
        guard let bytes = try? WireJSON.encode(.double(value), style: .python) else { return "\(value)" }
        return String(decoding: bytes, as: UTF8.self)
    }
}
