#if Redis
internal import NIOConcurrencyHelpers

/// What is known of a cluster: its nodes, and which of them serves which slot. All copies of a configuration have it in
/// common, and so all clients and subscriptions of a program's broker or store.
final class RedisTopology: Sendable {
    private struct State {
        var slots = RedisSlotMap()
        /// Which node a connection leads to for which any will do.
        var turn = 0
    }

    private let state = NIOLockedValueBox(State())

    /// Whether the server is known to be a cluster, and at least one of its nodes to serve something.
    var isKnown: Bool { state.withLockedValue { !$0.slots.nodes.isEmpty } }

    /// The node that serves a slot; nil if that is not known.
    func owner(of slot: RedisSlot) -> RedisAddress? { state.withLockedValue { $0.slots[slot] } }

    /// Whether an address is that of a node.
    func contains(_ address: RedisAddress) -> Bool { state.withLockedValue { $0.slots.nodes.contains(address) } }

    /// Notes what a node told.
    func replace(with slots: RedisSlotMap) {
        state.withLockedValue { state in
            // Not every program is to begin at the same node.
            if state.slots.nodes.isEmpty { state.turn = Int.random(in: 0..<max(1, slots.nodes.count)) }
            state.slots = slots
        }
    }

    /// Notes which node serves a slot.
    func learn(_ slot: RedisSlot, at address: RedisAddress) {
        state.withLockedValue { $0.slots.learn(slot, at: address) }
    }

    /// All nodes, and these, in the order in which they are to be tried.
    func nodesInTurn(besides seeds: [RedisAddress]) -> [RedisAddress] {
        state.withLockedValue { state in
            let nodes = state.slots.nodes
            let all = nodes + seeds.filter { !nodes.contains($0) }
            guard !all.isEmpty else { return [] }
            let first = state.turn % all.count
            return Array(all[first...] + all[..<first])
        }
    }

    /// Passes over the node whose turn it is, because it led nowhere.
    func passTurn() { state.withLockedValue { $0.turn = ($0.turn + 1) % RedisSlot.count } }
}
#endif
