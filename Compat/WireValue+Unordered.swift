import CeleriacWire
import CeleryWire

extension WireValue {
    /// The value with the keys of all objects sorted, so that values that differ only in their order are equal.
    var unordered: WireValue {
        switch self {
        case .array(let values): .array(values.map(\.unordered))
        case .object(let object):
            .object(
                WireObject(object.sorted { $0.key < $1.key }.map { ($0.key, $0.value.unordered) }))
        default: self
        }
    }
}

extension CeleryEmbed {
    /// The parts with the keys of all objects sorted.
    var unordered: CeleryEmbed {
        CeleryEmbed(
            callbacks: callbacks?.unordered, errbacks: errbacks?.unordered, chain: chain?.unordered,
            chord: chord?.unordered)
    }
}
