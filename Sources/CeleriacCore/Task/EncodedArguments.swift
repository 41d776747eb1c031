import CeleriacWire

/// Arguments as they go to the wire.
struct EncodedArguments: Sendable {
    var positional: [WireValue] = []
    var keywords: WireObject = [:]
}
