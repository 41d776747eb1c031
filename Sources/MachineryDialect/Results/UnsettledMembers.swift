#if AMQP || Redis
import CeleriacCore
import NIOConcurrencyHelpers

/// Remembers how far members of groups came in joining, until the worker has heard that they have joined.
///
/// A worker that gets an error joins the same member again. The store then must not do twice what it has done, nor lose
/// what it has won.
final class UnsettledMembers<Progress: Sendable>: Sendable {
    private struct Member: Hashable {
        let groupID: String
        let taskID: String

        init(_ part: ChordPart) {
            groupID = part.groupID
            taskID = part.taskID
        }
    }
    /// The number of members to remember. More would be members that workers have given up on.
    private let limit = 10_000
    private let members = NIOLockedValueBox<[Member: Progress]>([:])

    /// How far a member came; nil if it has not tried to join.
    subscript(part: ChordPart) -> Progress? {
        get { members.withLockedValue { $0[Member(part)] } }
        set {
            members.withLockedValue { members in
                if members.count >= limit { members = [:] }
                members[Member(part)] = newValue
            }
        }
    }

    /// Forgets members that have joined.
    func forget(_ parts: some Sequence<ChordPart>) {
        members.withLockedValue { members in
            if members.isEmpty { return }
            for part in parts { members[Member(part)] = nil }
        }
    }
}
#endif
