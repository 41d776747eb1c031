/// Where a route copies a share of its messages to, for a worker that is tried out with real traffic. Nobody waits for what
/// becomes of the copies.
package struct RouteShadow: Sendable, Hashable {
    /// The queue at the target.
    package var queue: String
    /// The share of the messages, above 0 and at most 1.
    package var share: Double

    /// Makes a shadow of all messages, or of a share.
    package init(queue: String, share: Double = 1) {
        self.queue = queue
        self.share = share
    }

    /// Whether a task is copied. Its id decides, so that a message that comes again is treated as before, and two bridges
    /// agree.
    package func takes(_ id: String) -> Bool {
        if share >= 1 { return true }
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in id.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        // The high bits of this hash depend little on the end of a text, where ids differ.
        hash ^= hash >> 33
        hash = hash &* 0xff51_afd7_ed55_8ccd
        hash ^= hash >> 33
        return Double(hash >> 11) / Double(UInt64(1) << 53) < share
    }

    /// The id of a task's copy, under which it can do nothing to the task itself.
    package static func id(ofCopyOf id: String) -> String { id + "-shadow" }
}
