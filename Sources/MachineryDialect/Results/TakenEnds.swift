#if AMQP
import CeleriacAMQP
import CeleriacCore
import NIOConcurrencyHelpers

/// The ends of groups' members that this process has taken out of their queues at RabbitMQ and not acknowledged, because the
/// callbacks of the groups have yet to be sent.
final class TakenEnds: Sendable {
    /// The ends of one group's members.
    struct Ends: Sendable {
        /// The member that completed the group.
        let taskID: String
        let states: [[UInt8]]
        let tags: [UInt64]
        /// The channel on which they were delivered. If it ends, RabbitMQ puts them back.
        let channel: AMQPChannel
        fileprivate let timer: any RunningTimer
    }

    private struct State: Sendable {
        /// Groups whose ends are about to be taken.
        var beginning: Set<String> = []
        var ends: [String: Ends] = [:]
        /// Channels of ends that were put back because nobody closed their group.
        var abandoned: [AMQPChannel] = []
    }

    private let state = NIOLockedValueBox(State())

    /// The states of all members that were taken for this one; nil if none were.
    func states(for part: ChordPart) -> [[UInt8]]? {
        state.withLockedValue { state in
            guard let ends = state.ends[part.groupID], ends.taskID == part.taskID else { return nil }
            return ends.states
        }
    }

    /// Begins to take the ends of a group.
    ///
    /// - Returns: whether nobody else in this process takes them or has them.
    func begin(_ groupID: String) -> Bool {
        state.withLockedValue { $0.ends[groupID] == nil && $0.beginning.insert(groupID).inserted }
    }

    /// Ends ``begin(_:)`` without the ends.
    func giveUp(_ groupID: String) {
        state.withLockedValue { _ = $0.beginning.remove(groupID) }
    }

    /// Ends ``begin(_:)`` with the ends, which are kept until a timer calls ``abandon(_:of:)``.
    func keep(
        _ states: [[UInt8]], for part: ChordPart, tags: [UInt64], on channel: AMQPChannel, until timer: any RunningTimer
    ) {
        state.withLockedValue { state in
            state.beginning.remove(part.groupID)
            state.ends[part.groupID] = Ends(
                taskID: part.taskID, states: states, tags: tags, channel: channel, timer: timer)
        }
    }

    /// Puts back the ends that were taken for a member. Their channel waits to be closed.
    func abandon(_ groupID: String, of taskID: String) {
        let ends = state.withLockedValue { state -> Ends? in
            guard let ends = state.ends[groupID], ends.taskID == taskID else { return nil }
            state.ends[groupID] = nil
            state.abandoned.append(ends.channel)
            return ends
        }
        if let ends { ends.channel.nack(ends.tags, requeue: true) }
    }

    /// The channels of ends that were put back, once.
    func takeAbandoned() -> [AMQPChannel] {
        state.withLockedValue { state in
            defer { state.abandoned = [] }
            return state.abandoned
        }
    }

    /// Forgets the ends of a group whose callback is sent, and returns them to be acknowledged.
    func end(_ claim: ChordClaim) -> Ends? {
        let ends = state.withLockedValue { state -> Ends? in
            guard let ends = state.ends[claim.groupID], ends.taskID == claim.token else { return nil }
            state.ends[claim.groupID] = nil
            return ends
        }
        ends?.timer.cancel()
        return ends
    }

    /// Forgets all ends, because the connection is closed.
    func forgetAll() {
        let ends = state.withLockedValue { state in
            defer { state = State() }
            return Array(state.ends.values)
        }
        for group in ends { group.timer.cancel() }
    }
}
#endif
