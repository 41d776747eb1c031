import CeleriacWire

extension MachinerySignature {
    /// Refuses, here and in all signatures inside, what would stop or kill a Go worker, or be changed by it silently: an
    /// unknown argument type, a value of another type, a number that does not fit, a header that is not text, a boolean
    /// or null.
    ///
    /// - Throws: ``MachineryWireError``: `unsupportedType`, `valueMismatch`, `valueOutOfRange`, `nonFinite`,
    ///   `unsupportedHeader`, `tooDeep`.
    public func validate() throws(MachineryWireError) { try validate(depth: 1) }

    private func validate(depth: Int) throws(MachineryWireError) {
        guard depth <= Self.maximumDepth else {
            throw MachineryWireError(.tooDeep, "the workflow is nested deeper than \(Self.maximumDepth) levels")
        }
        for argument in args ?? [] { try argument.validate() }
        for (name, value) in headers ?? [:] {
            switch value {
            case .string, .bool, .null: continue
            default:
                throw MachineryWireError(
                    .unsupportedHeader, "the header \(name) is not text: a Go worker could not send it on")
            }
        }
        for signature in onSuccess ?? [] { try signature.validate(depth: depth + 2) }
        for signature in onError ?? [] { try signature.validate(depth: depth + 2) }
        try chordCallback?.validate(depth: depth + 1)
    }
}
