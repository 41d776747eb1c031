/// What a new list of routes changes in a bridge that runs: the names of its routes.
package struct BridgeChange: Sendable, Hashable {
    /// Those that go on without noticing.
    package var kept: [String]
    /// Those that begin; among them those that have another form now, once they have ended in their old one.
    package var opened: [String]
    /// Those that end for good.
    package var closed: [String]

    /// Makes a change; by default nothing changes.
    package init(kept: [String] = [], opened: [String] = [], closed: [String] = []) {
        self.kept = kept
        self.opened = opened
        self.closed = closed
    }

    /// Whether anything changes.
    package var isEmpty: Bool { opened.isEmpty && closed.isEmpty }
}
