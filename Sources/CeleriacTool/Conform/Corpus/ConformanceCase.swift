import CeleriacWire

/// A case of the corpus: a question, and what it expects.
struct ConformanceCase: Sendable {
    /// How much the specification asks.
    enum Level: String, Sendable {
        case must = "MUST"
        case should = "SHOULD"
        case may = "MAY"
        /// Nothing: Celery itself does otherwise.
        case informational = "INFORMATIONAL"
    }

    /// For instance `celery/worker/malformed/not-json`.
    let id: String
    /// What a testee is here: `worker`, `producer`, `client`, `monitor` or `beat`.
    let role: String
    let level: Level
    /// The section of the specification.
    let section: String
    /// What is done, in words.
    let procedure: String
    /// The versions that the case holds for.
    let versions: [String]
    let operation: String
    let input: WireObject
    let expectation: Expectation
    /// What the reference does, where that is not what is expected.
    let note: String?
    /// The case as it stands in the corpus.
    let source: WireValue

    /// Reads a case.
    ///
    /// - Throws: ``ConformanceError`` that names what is missing.
    init(_ value: WireValue) throws(ConformanceError) {
        func text(_ name: String) throws(ConformanceError) -> String {
            guard let text = value[name]?.stringValue else { throw ConformanceError("a case has no \(name)") }
            return text
        }
        id = try text("id")
        role = try text("role")
        section = try text("section")
        procedure = try text("procedure")
        operation = try text("op")
        guard let level = Level(rawValue: try text("level")) else {
            throw ConformanceError("\(id) has a level that is unknown")
        }
        self.level = level
        guard let input = value["input"]?.objectValue, let expectation = value["expect"] else {
            throw ConformanceError("\(id) has no input or expects nothing")
        }
        self.input = input
        self.expectation = try Expectation(expectation)
        versions = value["versions"]?.arrayValue?.compactMap(\.stringValue) ?? []
        note = value["note"]?.stringValue
        source = value
    }

    /// The line that asks a testee.
    func question() throws(WireError) -> [UInt8] {
        var object: WireObject = ["id": .string(id), "op": .string(operation)]
        object.merge(input) { own, _ in own }
        return try WireJSON.encode(.object(object), style: .python)
    }
}
