import CeleriacWire
import CeleryWire

extension CeleryEmbed {
    /// Whether nothing follows from the task.
    var isEmpty: Bool {
        [callbacks, errbacks, chain].allSatisfy { $0?.arrayValue?.isEmpty ?? true } && chord == nil
    }
}
