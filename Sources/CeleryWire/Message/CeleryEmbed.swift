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
