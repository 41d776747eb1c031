package import CeleriacWire
package import FoundationEssentials

/// Applies signatures as Celery does: it makes the messages to publish now, which carry the rest of the workflow.
///
/// It does no I/O; the caller supplies ids and the time. Each call of ``apply(_:args:kwargs:options:)`` appends to
/// ``steps``, in the order in which the caller must carry them out.
package struct CeleryCanvas {
    /// The steps that the caller must carry out.
    package private(set) var steps: [CeleryCanvasStep] = []
    let lineage: CeleryLineage
    let now: Date
    let chords: CeleryChordEnding
    let newID: () -> String
    /// Whether error callbacks that chains pass on to chords also go to the tasks of their headers: Celery's
    /// `task_allow_error_cb_on_chord_header`.
    package var linksErrorsInHeaders = false
    private var depth = 0

    package init(lineage: CeleryLineage, now: Date, chords: CeleryChordEnding, newID: @escaping () -> String) {
        self.lineage = lineage
        self.now = now
        self.chords = chords
        self.newID = newID
    }

    /// Applies a signature.
    ///
    /// - Parameters:
    ///   - signature: The signature to apply.
    ///   - args: Arguments to put in front of the signature's own, unless it is immutable.
    ///   - kwargs: Keyword arguments that replace the signature's own, unless it is immutable.
    ///   - options: Options that replace the signature's own.
    /// - Returns: A reference to the future result; `nil` for an empty chain.
    /// - Throws: `CeleryWireError`: `invalidTask` for an invalid signature, `chordsUnsupported`, and what making a
    ///   message throws.
    @discardableResult
    package mutating func apply(
        _ signature: CelerySignature, args: [WireValue] = [], kwargs: WireObject = [:], options: WireObject = [:]
    ) throws(CeleryWireError) -> CeleryResultTuple? {
        // Parsed signatures are no deeper than JSON may be. This holds signatures that a caller built to the same
        // limit.
        guard depth < 128 else { throw .invalid("tasks", "a canvas must not be nested deeper than 128") }
        depth += 1
        defer { depth -= 1 }
        switch signature.kind {
        case .task:
            return try applyTask(signature.merging(args: args, kwargs: kwargs, options: options))
        case .chain:
            return try applyChain(signature, args: args, kwargs: kwargs, options: options)
        case .group:
            return try applyGroup(signature, args: args, kwargs: kwargs, options: options)
        case .chord:
            return try applyChord(signature, args: args, kwargs: kwargs, options: options)
        case .chunks:
            return try apply(signature.chunkGroup(), args: args, kwargs: kwargs, options: options)
        }
    }

    mutating func add(_ step: CeleryCanvasStep) { steps.append(step) }

    private mutating func applyTask(_ signature: CelerySignature) throws(CeleryWireError) -> CeleryResultTuple {
        var signature = signature
        if let id = signature.options["task_id"], !id.isNull, id.stringValue == nil {
            throw .invalid("task_id", "the option must be text")
        }
        if signature.id == nil { signature.options["task_id"] = .string(newID()) }
        let (message, route) = try signature.message(lineage: lineage, now: now)
        add(.publish(message, route))
        return CeleryResultTuple(id: message.id)
    }
}
