package import CeleriacWire

/// Writes arguments as Celery's `saferepr` does: as Python literals that are cut off at a length and a depth.
///
/// Nothing parses this text; logs, events and Flower show it. It is the text that Celery 5.7 writes for the same
/// values, except where the wire loses a type: a tuple within an argument becomes a list.
public struct PythonRepr: Sendable, Hashable {
    /// The approximate number of characters after which the text is cut off, not counting closing brackets. 1,024 by
    /// default.
    public var maximumLength: Int
    /// The number of levels to show. Deeper containers are `[...]` or `{...}`. 3 by default.
    public var maximumDepth: Int

    /// Creates a writer with limits.
    public init(maximumLength: Int = 1024, maximumDepth: Int = 3) {
        self.maximumLength = maximumLength
        self.maximumDepth = maximumDepth
    }

    /// Positional arguments as a tuple: `(2, 3)`, `(2,)`, `()`.
    package func text(args: [WireValue]) -> String {
        var writer = PythonReprWriter(limits: self)
        writer.writeTuple(args)
        return writer.output
    }

    /// Keyword arguments as a dict: `{'k': 1}`.
    package func text(kwargs: WireObject) -> String {
        var writer = PythonReprWriter(limits: self)
        writer.write(.object(kwargs))
        return writer.output
    }

    /// Writes any value, as Celery writes results and exceptions in events.
    package func text(of value: WireValue) -> String {
        var writer = PythonReprWriter(limits: self)
        writer.write(value)
        return writer.output
    }
}

/// Writes one value as `saferepr` does, one token at a time, and cuts it off by the same rules.
///
/// The length counts Unicode scalars, as Python does. Once it is used up, `, ...` stands for the rest, and only closing
/// brackets follow. The depth limit bounds the recursion.
private struct PythonReprWriter {
    private(set) var output = ""
    private var remaining: Int
    private let maximumDepth: Int
    private var depth = 0
    /// Whether the length is used up, so that only closing brackets follow.
    private var stopped = false

    init(limits: PythonRepr) {
        remaining = limits.maximumLength
        // Celery treats 0 as no limit, but here the limit must bound the recursion.
        maximumDepth = limits.maximumDepth > 0 ? min(limits.maximumDepth, 64) : 64
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
                    writer.quoted(element.key)
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
        // A container that would begin past the length is left out.
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

    /// Writes uncut text, or `, ...` for the rest.
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

    /// Quotes text as Celery does: with apostrophes, which are the only characters that it escapes.
    private mutating func quoted(_ text: String) {
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

    /// Cuts text of `limit` or more characters at the limit, or at the last space before it.
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
        // The JSON writer writes floats as Python does.
        guard let bytes = try? WireJSON.encode(.double(value), style: .python) else { return "\(value)" }
        return String(decoding: bytes, as: UTF8.self)
    }
}
