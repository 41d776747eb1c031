package import CeleriacWire

/// A task or a workflow of an interop file, with the outcome that every peer must agree on.
package struct InteropCase: Sendable, Hashable {
    /// Its name, which no other case of the file has.
    package let name: String
    /// What it tries.
    package let shape: InteropShape
    /// The task or the workflow, in the form of the producers' protocol.
    package let canvas: WireValue
    /// How many seconds from now its task may begin; nil for one that may begin at once.
    package let eta: Double?
    /// How it must end.
    package let expectation: InteropExpectation
    /// How many seconds after it was sent its task may begin; nil if it may begin at once.
    var delay: Double? { eta ?? canvas["options"]?["countdown"]?.doubleValue }
    /// Why it does not apply to a peer or a transport, by its name.
    package let exceptions: [String: String]

    init(_ node: InteropNode) throws(TestKitError) {
        let tree = ["task", "args", "kwargs", "options", "immutable", "chain", "group", "chord", "body"]
        let own = ["name", "shape", "eta", "result", "error", "ignored", "except"]
        try node.allow(own + tree, in: "a task")
        let canvas = try Self.canvas(node, ignoring: own)
        let eta = try node["eta"]?.seconds("eta")
        if eta != nil, canvas["task"] == nil {
            throw node.error(key: "eta", "eta is for a task, not for a workflow")
        }
        let expectation = try InteropExpectation(node)
        if expectation == .ignored, canvas["task"] == nil {
            throw node.error(key: "ignored", "ignored is for a task, not for a workflow")
        }
        let named = try node["shape"]?.choice("shape", of: InteropShape.self)
        let shape = named ?? Self.shape(of: canvas, eta: eta, expectation)
        name = try node["name"]?.text("name") ?? canvas["task"]?.stringValue ?? shape.rawValue
        exceptions = try node["except"]?.textsByKey("except") ?? [:]
        self.shape = shape
        self.canvas = canvas
        self.eta = eta
        self.expectation = expectation
    }

    /// Why this build of Celeriac cannot take part itself; nil if it can.
    var absenceHere: String? {
        #if !Compression
        let compression = canvas["options"]?["compression"]?.stringValue ?? "zlib"
        if compression != "zlib" { return "this build lacks the trait Compression" }
        #endif
        return nil
    }

    private static func shape(of canvas: WireValue, eta: Double?, _ expectation: InteropExpectation) -> InteropShape {
        if canvas["chain"] != nil { return .chain }
        if canvas["group"] != nil { return .group }
        if canvas["chord"] != nil { return .chord }
        if eta != nil || canvas["options"]?["countdown"] != nil { return .eta }
        if case .failure = expectation { return .failure }
        return canvas["kwargs"]?.objectValue?.isEmpty == false ? .keyword : .plain
    }

    /// Checks that a tree is one that the producers' protocol has, and returns it.
    private static func canvas(_ node: InteropNode, ignoring others: [String] = []) throws(TestKitError) -> WireValue {
        let kinds = ["task", "chain", "group", "chord"].filter { node.has($0) }
        guard let kind = kinds.first, kinds.count == 1 else {
            throw node.error("a task has one of the keys task, chain, group, chord")
        }
        var object: WireObject = [:]
        if kind == "task" {
            try node.allow(["task", "args", "kwargs", "options", "immutable"] + others, in: "a task")
            object["task"] = .string(try node["task"]?.text("task") ?? "")
            object["args"] = .array(try node["args"]?.elements("args").map(\.value) ?? [])
            for key in ["kwargs", "options"] {
                guard let mapping = node[key] else { continue }
                _ = try mapping.members(key)
                object[key] = mapping.value
            }
            if let flag = node["immutable"] {
                guard flag.value.boolValue != nil else { throw flag.error("immutable must be true or false") }
                object["immutable"] = flag.value
            }
            guard object["task"] != "" else { throw node.error(key: "task", "task must be text") }
            return .object(object)
        }
        try node.allow((kind == "chord" ? ["chord", "body"] : [kind]) + others, in: "a \(kind)")
        guard let parts = node[kind] else { throw node.error(key: kind, "\(kind) must be a list") }
        var made: [WireValue] = []
        for part in try parts.elements(kind) { made.append(try canvas(part)) }
        guard !made.isEmpty else { throw parts.error("a \(kind) has at least one task") }
        object[kind] = .array(made)
        if kind == "chord" {
            guard let body = node["body"] else { throw node.error("a chord has a body") }
            object["body"] = try canvas(body)
        }
        return .object(object)
    }
}

/// How a case must end.
package enum InteropExpectation: Sendable, Hashable {
    /// With this result, objects in any order of their keys.
    case value(WireValue)
    /// With an error of which the file says this much.
    case failure(InteropFailure)
    /// With a result that nobody stores.
    case ignored

    /// What a file says of an error. What is nil may be anything.
    package struct InteropFailure: Sendable, Hashable {
        /// The exception's class.
        package var type: String?
        /// The class's module.
        package var module: String?
        /// The first argument, or all that there is of an error in Go.
        package var message: String?
        /// All arguments.
        package var arguments: [WireValue]?
        /// The state in which the task ends.
        package var state: String?
    }

    init(_ node: InteropNode) throws(TestKitError) {
        switch (node.has("result"), node.has("error"), node.has("ignored")) {
        case (true, false, false): self = .value(node.value["result"] ?? .null)
        case (false, false, true):
            guard node["ignored"]?.value.boolValue == true else {
                throw node.error(key: "ignored", "ignored must be true")
            }
            self = .ignored
        case (false, true, false):
            guard let error = node["error"] else { throw node.error(key: "error", "error must not be empty") }
            if error.value.stringValue != nil {
                self = .failure(InteropFailure(type: try error.text("error")))
                return
            }
            try error.allow(["type", "module", "message", "args", "state"], in: "error")
            self = .failure(
                InteropFailure(
                    type: try error["type"]?.text("type"), module: try error["module"]?.text("module"),
                    message: try error["message"]?.text("message"),
                    arguments: try error["args"]?.elements("args").map(\.value),
                    state: try error["state"]?.text("state")))
        default: throw node.error("a task has either a result or an error, or is ignored")
        }
    }

    /// What is wrong with an outcome; nil if it is the expected one.
    package func mismatch(_ outcome: PythonOutcome) -> String? {
        switch (self, outcome) {
        case (.ignored, .timeout): return nil
        case (.ignored, _): return "there is a result, although it should be ignored"
        case (_, .timeout(let state)): return "no result came in time; the state is \(state)"
        case (.value(let wanted), .success(let value)):
            return wanted.inAnyOrder == value.inAnyOrder ? nil : "the result is \(value.shown), not \(wanted.shown)"
        case (.value(let wanted), .failure(let state, let type, _, let arguments)):
            return "it ended as \(state) with \(type)\(WireValue.array(arguments).shown), not with \(wanted.shown)"
        case (.failure, .success(let value)): return "it returned \(value.shown) and did not fail"
        case (.failure(let wanted), .failure(let state, let type, let module, let arguments)):
            return Self.mismatch("state", state, wanted.state) ?? Self.mismatch("type", type, wanted.type)
                ?? Self.mismatch("module", module, wanted.module)
                ?? Self.mismatch("message", arguments.first?.stringValue ?? "", wanted.message)
                ?? Self.mismatch(
                    "arguments", WireValue.array(arguments).inAnyOrder.shown,
                    wanted.arguments.map { WireValue.array($0).inAnyOrder.shown })
        }
    }

    private static func mismatch<Value: Equatable>(_ what: String, _ got: Value, _ wanted: Value?) -> String? {
        guard let wanted, got != wanted else { return nil }
        return "the error's \(what) is \(got), not \(wanted)"
    }
}

extension WireValue {
    /// The value with the keys of all objects in alphabetical order, since not every language keeps another.
    fileprivate var inAnyOrder: WireValue {
        switch self {
        case .array(let values): .array(values.map(\.inAnyOrder))
        case .object(let object):
            .object(WireObject(object.sorted { $0.key < $1.key }.map { ($0.key, $0.value.inAnyOrder) }))
        default: self
        }
    }

    /// The value as it stands in a message.
    var shown: String {
        let bytes = try? WireJSON.encode(self, nonFinite: .allow)
        return bytes.map { String(decoding: $0, as: UTF8.self) } ?? String(describing: self)
    }
}
