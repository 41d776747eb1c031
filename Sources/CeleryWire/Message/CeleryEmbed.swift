public import CeleriacWire

/// What a task message says about the work after it: the third element of a protocol 2 body.
///
/// The signatures are kept as they came, so that a worker can hand them on untouched. `nil` stands for null.
public struct CeleryEmbed: Sendable, Hashable {
    /// Signatures to call with the result (`link`): an array.
    public var callbacks: WireValue?
    /// Signatures to call with the id of the failed task (`link_error`): an array.
    public var errbacks: WireValue?
    /// The rest of the chain: an array of signatures in reverse, of which the last one is the next to run.
    public var chain: WireValue?
    /// The signature of the chord's body, to which the result belongs as a part.
    public var chord: WireValue?

    /// Makes the parts; all are null unless given.
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
    /// Reads the parts from the object that holds them. Null is as good as absent.
    ///
    /// A signature that cannot be applied would stop a Python worker after the task has run, so it is refused before.
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

    /// Checks that the parts are what a worker can apply.
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
                field, "a signature in it cannot be applied, by its \(error.field ?? "form"): \(error.message)")
        }
    }

    /// The third element of a body of protocol 2: always all four.
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
