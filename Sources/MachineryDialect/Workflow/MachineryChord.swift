import CeleriacCore
import CeleriacWire
public import MachineryWire

/// Tasks side by side, and one that is sent when all of them have succeeded, with their results.
public struct MachineryChord: Sendable, Hashable {
    /// The tasks, each of which carries the callback.
    public let group: MachineryGroup
    /// The task that follows.
    public let callback: MachinerySignature

    /// Makes a chord. The callback gets an id if it has none.
    public init(_ group: MachineryGroup, callback: MachinerySignature) {
        self.group = group
        self.callback = callback.withID(prefix: "chord_")
    }

    /// The messages that are sent. The publisher gives the callback headers, as Machinery's does.
    var members: [MachinerySignature] {
        var callback = callback
        callback.headers = callback.headers ?? [:]
        return group.tasks.map { task in
            var member = task
            member.chordCallback = callback
            return member
        }
    }
}
