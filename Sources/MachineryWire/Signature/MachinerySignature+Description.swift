public import CeleriacWire

extension MachinerySignature {
    /// What a message says, for `celeriac decode`: the dialect, and the signature's 19 fields as they stand.
    ///
    /// - Throws: ``MachineryWireError`` when it cannot be decoded.
    public static func describe(_ bytes: [UInt8]) throws(MachineryWireError) -> WireObject {
        let signature = try decode(bytes)
        guard case .object(let object) = try GoDocument.decode(signature.encode(), limits: .default) else {
            throw MachineryWireError(.malformedJSON, "the message is not an object")
        }
        var description: WireObject = ["dialect": "machinery"]
        for (key, value) in object { description[key] = value }
        return description
    }
}
