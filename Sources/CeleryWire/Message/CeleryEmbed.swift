public import CeleriacWire

/// The work that follows a task: the third element of a protocol 2 body.
///
/// Signatures stay raw values, so that a worker can pass them on unchanged. `nil` stands for null.
public struct CeleryEmbed: Sendable, Hashable {
    /// An array of signatures to call with the result (`link`).
    public var callbacks: WireValue?
    /// An array of signatures to call with the id of the failed task (`link_error`).
    public var errbacks: WireValue?
    /// The rest of the chain: an array of signatures in reverse order, whose last element runs next.
    public var chain: WireValue?
    /// The body of the chord that the task is a part of: a signature.
    public var chord: WireValue?

    /// Creates the parts.
    public init(
        callbacks: WireValue? = nil, errbacks: WireValue? = nil, chain: WireValue? = nil, chord: WireValue? = nil
    ) {
        self.callbacks = callbacks
        self.errbacks = errbacks
        self.chain = chain
        self.chord = chord
    }
}

extension CeleryEmbed {
    /// Reads the parts from an object. Null counts as absent.
    ///
    /// A signature that cannot be applied would make a Python worker fail after the task has run, so it is refused
    /// here.
    init(parts: WireObject) throws(CeleryWireError) {
        self.init()
        for (key, value) in parts where !value.isNull {
            switch key {
            case "callbacks": callbacks = value
            case "errbacks": errbacks = value
            case "chain": chain = value
            case "chord": chord = value
            default: break
            }
        }
        try check()
    }

    /// Checks that a worker can apply the parts.
    func check() throws(CeleryWireError) {
        try Self.checkSignatures(callbacks, "callbacks")
        try Self.checkSignatures(errbacks, "errbacks")
        try Self.checkSignatures(chain, "chain")
        if let chord { try Self.checkSignature(chord, "chord") }
    }

    private static func checkSignatures(_ value: WireValue?, _ field: String) throws(CeleryWireError) {
        guard let value else { return }
        guard case .array(let signatures) = value else {
            throw .invalid(field, "must be an array of signatures or null")
        }
        for signature in signatures {
            try checkSignature(signature, field)
        }
    }

    private static func checkSignature(_ value: WireValue, _ field: String) throws(CeleryWireError) {
        do throws(CeleryWireError) {
            _ = try CelerySignature.decode(value)
        } catch {
            throw .invalid(
                field,
                "one of its signatures cannot be applied because of its \(error.field ?? "form"): \(error.message)")
        }
    }

    /// The third element of a protocol 2 body, which always has all four keys.
    var object: WireObject {
        var object = Self.template
        if let callbacks { object.setValue(callbacks, at: 0) }
        if let errbacks { object.setValue(errbacks, at: 1) }
        if let chain { object.setValue(chain, at: 2) }
        if let chord { object.setValue(chord, at: 3) }
        return object
    }

    private static let template: WireObject = ["callbacks": nil, "errbacks": nil, "chain": nil, "chord": nil]
}
