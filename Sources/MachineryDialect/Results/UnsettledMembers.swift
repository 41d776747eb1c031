#if AMQP || Redis
import CeleriacCore
import NIOConcurrencyHelpers

/// What a store remembers of members of groups while it is not certain that their joining has succeeded.
///
/// A worker that gets an error joins the same member again. What was done the first time must then not be done twice,
/// and what was won the first time must not be lost.
final class UnsettledMembers<Progress: Sendable>: Sendable {
    private struct Member: Hashable {
        let groupID: String
        let taskID: String

        init(_ part: ChordPart) {
            groupID = part.groupID
            taskID = part.taskID
        }
    }
    /// The number of members to remember. A worker forgets to repeat only what it has given up.
    private let limit = 10_000
    private let members = NIOLockedValueBox<[Member: Progress]>([:])

    /// What was done of a member's joining; nil if this is the first time.
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
