package import CeleryWire

/// The forms of bodies that a client of remote control sends and reads.
package struct ControlContent: Sendable {
    /// The forms of replies that are read: `accept_content`.
    let accept: Set<CelerySerializer>
    /// The form in which requests are written: `task_serializer`.
    let serializer: CelerySerializer

    /// By default both are JSON.
    package init(accept: Set<CelerySerializer> = [.json], serializer: CelerySerializer = .json) {
        self.accept = accept
        self.serializer = serializer
    }
}
