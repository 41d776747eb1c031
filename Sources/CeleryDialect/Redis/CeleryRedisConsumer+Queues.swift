#if Redis
import CeleriacCore
import CeleriacRedis
import NIOConcurrencyHelpers

extension CeleryRedisConsumer {
    func addQueue(_ queue: String) async throws {
        do {
            // Before it is served, so that producers which look for the binding find it.
            let member = keys.bindingMember(routingKey: queue, queue: queue)
            _ = try await client.send([
                RedisCommand("SADD", keys.binding(queue), member),
                RedisCommand("SADD", keys.permanentBinding(queue), member),
            ])
        } catch {
            throw CeleriacError(.unavailable, "cannot serve a queue at \(broker.name)", cause: error)
        }
        change { $0.lists.add(queue) }
    }

    func removeQueue(_ queue: String) async throws {
        change { $0.abandoned += $0.lists.remove(queue) }
    }

    /// Changes what is served, and lets whoever waits for messages look again.
    private func change(_ change: (inout State) -> Void) {
        let gate = state.withLockedValue { state in
            change(&state)
            return state.waiting
        }
        gate?.open()
    }

    /// Puts back what Redis handed over from queues in the moment in which they were given up.
    func emptyAbandonedHandovers() async throws(RedisError) {
        let (places, lists) = state.withLockedValue { ($0.abandoned, $0.lists) }
        try await emptyHandovers(of: places, in: lists)
        state.withLockedValue { state in state.abandoned.removeAll { places.contains($0) } }
    }

    /// Puts what Redis handed over and nobody claimed back to the front of its lists, where others find it.
    func emptyHandovers(of places: [Int], in lists: QueueLists) async throws(RedisError) {
        guard !places.isEmpty else { return }
        let replies = try await client.send(
            places.map { place in
                // A claim of no messages does just that.
                let list = lists.lists[place]
                return .evaluate(
                    KombuScripts.claim, keys: [keys.unacked, keys.unackedIndex, list.handoverKey, list.key],
                    arguments: [0, 0, "", 0, 2, list.claimSuffix, list.claimSuffix])
            })
        if let refusal = replies.lazy.compactMap(\.error).first { throw RedisError(refusal) }
    }
}
#endif
