import CeleriacWire

/// A value of an interop file that knows where it stands, so that what is wrong with it can be said with line and column.
struct InteropNode {
    let value: WireValue
    private let path: [YAMLPlaces.Step]
    private let places: YAMLPlaces

    /// Reads a file's root.
    ///
    /// - Throws: ``TestKitError`` with code `invalidFile` for what is not YAML.
    init(yaml bytes: [UInt8]) throws(TestKitError) {
        do {
            value = try WireYAML.decode(bytes)
            places = try YAMLPlaces(bytes)
        } catch {
            throw TestKitError(.invalidFile, error.message)
        }
        path = []
    }

    private init(value: WireValue, path: [YAMLPlaces.Step], places: YAMLPlaces) {
        self.value = value
        self.path = path
        self.places = places
    }

    /// An error about this value.
    func error(_ message: String) -> TestKitError { Self.error(message, at: places.place(of: path)) }

    /// An error about a key of this object.
    func error(key: String, _ message: String) -> TestKitError {
        Self.error(message, at: places.key(path + [.key(key)]))
    }

    private static func error(_ message: String, at place: YAMLPlaces.Place?) -> TestKitError {
        TestKitError(.invalidFile, place.map { "\(message) \($0)" } ?? message)
    }

    // MARK: Containers

    /// The value of a key; nil if this is not an object, has no such key, or has null there.
    subscript(key: String) -> InteropNode? {
        guard let found = value[key], !found.isNull else { return nil }
        return InteropNode(value: found, path: path + [.key(key)], places: places)
    }

    /// Whether it has a key, be it null.
    func has(_ key: String) -> Bool { value[key] != nil }

    /// The values of an object by their keys, in the order of the file.
    func members(_ what: String) throws(TestKitError) -> [(key: String, node: InteropNode)] {
        guard let object = value.objectValue else { throw error("\(what) must be a mapping") }
        return object.map { member in
            (
                key: member.key,
                node: InteropNode(value: member.value, path: path + [.key(member.key)], places: places)
            )
        }
    }

    /// The elements of a list.
    func elements(_ what: String) throws(TestKitError) -> [InteropNode] {
        guard let list = value.arrayValue else { throw error("\(what) must be a list") }
        return list.enumerated().map { element in
            InteropNode(value: element.element, path: path + [.index(element.offset)], places: places)
        }
    }

    /// Refuses other keys than these.
    func allow(_ keys: [String], in what: String) throws(TestKitError) {
        for (key, _) in try members(what) where !keys.contains(key) {
            throw error(key: key, "\(what) has no key \(key); there are \(keys.joined(separator: ", "))")
        }
    }

    // MARK: Scalars

    /// Text that is not empty.
    func text(_ what: String) throws(TestKitError) -> String {
        guard let text = value.stringValue, !text.isEmpty else { throw error("\(what) must be text") }
        return text
    }

    /// Text in which `${NAME}` stands for a variable, and `${NAME:-text}` for that or, if there is none, for the text.
    func filled(_ what: String, _ variables: [String: String]) throws(TestKitError) -> String {
        let unclosed = error("\(what) has ${ without }")
        return try Placeholders.fill(try text(what), unclosed: unclosed) { place throws(TestKitError) in
            let parts = place.split(separator: ":-", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts.first ?? "")
            if let value = variables[name], !value.isEmpty { return value }
            guard parts.count > 1, let value = parts.last else {
                throw error("\(what) needs the environment variable \(name)")
            }
            return String(value)
        }
    }

    /// A list of texts with variables in them.
    func filledTexts(_ what: String, _ variables: [String: String]) throws(TestKitError) -> [String] {
        var texts: [String] = []
        for element in try elements(what) { texts.append(try element.filled("each of \(what)", variables)) }
        return texts
    }

    /// Texts by their keys. Numbers and truth values are taken as they are printed, since they mean text here.
    func textsByKey(_ what: String) throws(TestKitError) -> [String: String] {
        var texts: [String: String] = [:]
        for (key, node) in try members(what) {
            switch node.value {
            case .string(let text): texts[key] = text
            case .int(let number): texts[key] = String(number)
            case .bool(let flag): texts[key] = String(flag)
            default: throw node.error("\(key) of \(what) must be text")
            }
        }
        return texts
    }

    /// A number of seconds greater than zero, and at most a day.
    func seconds(_ what: String) throws(TestKitError) -> Double {
        guard let seconds = value.doubleValue, seconds > 0, seconds <= 86_400 else {
            throw error("\(what) must be a number of seconds, more than 0 and at most 86400")
        }
        return seconds
    }

    /// One of the cases of an enumeration, by its name.
    func choice<Choice: CaseIterable & RawRepresentable>(
        _ what: String, of type: Choice.Type
    ) throws(TestKitError) -> Choice where Choice.RawValue == String {
        guard let choice = value.stringValue.flatMap({ Choice(rawValue: $0) }) else {
            let names = type.allCases.map(\.rawValue).joined(separator: ", ")
            throw error("\(what) must be one of \(names)")
        }
        return choice
    }
}
