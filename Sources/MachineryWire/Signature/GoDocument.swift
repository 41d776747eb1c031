import CeleriacWire

/// JSON as Go reads it.
enum GoDocument {
    static func decode(_ bytes: [UInt8], limits: WireLimits) throws(MachineryWireError) -> WireValue {
        var limits = limits
        limits.maximumDepth = MachinerySignature.maximumDepth
        do {
            return try WireJSON.decode(bytes, limits: limits, reading: .go)
        } catch {
            throw MachineryWireError(error.code == .tooDeep ? .tooDeep : .malformedJSON, error.description)
        }
    }
}
