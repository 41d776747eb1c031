import CeleriacCore
import CeleryDialect

/// The names of bridges among those whom remote control reaches.
package enum BridgeNode {
    /// The pattern of them, as remote control takes patterns.
    package static let pattern = "celeriac-bridge-*"

    /// The name of this process: two on one machine need two.
    static var current: String { NodeName.current("celeriac-bridge-\(ProcessFacts.processID)") }
}
