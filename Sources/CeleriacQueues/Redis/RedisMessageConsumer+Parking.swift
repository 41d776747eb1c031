#if Redis
package import CeleriacCore
import CeleriacRedis
import NIOConcurrencyHelpers

import struct FoundationEssentials.Date

/// How the consumer makes sure that a message is its own before the task's caller is told.
extension RedisMessageConsumer: ParkingConsumer {
    package func canPark(_ receipts: [Receipt]) async -> [Bool] {
        let claims = state.withLockedValue { state in receipts.map { state.ledger[$0.tag] } }
        let time = timers.now.timeIntervalSince1970
        let commands = claims.compactMap { $0 }.map { claim in
            RedisCommand.evaluate(
                Self.keepClaim, keys: [topology.indexKey(of: claim.list), topology.parkedKey(of: claim.list)],
                arguments: [claim.tag, time])
        }
        var replies = ((try? await client.send(commands)) ?? []).makeIterator()
        return claims.map { $0 != nil && replies.next()?.int == 1 }
    }

    package func park(_ receipt: Receipt, for fault: MessageFault) async throws -> Bool {
        var isParked = false
        try await settle([Settlement(receipt, .park(fault))]) { ending, replies in
            isParked = replies.first?.int == 1
            forget(ending, replies)
        }
        return isParked
    }

    /// Renews a claim if it stands. Keys: the claims by time, the list of parked messages. Arguments: the tag, the time.
    /// Returns 1 if it stands and the message can be parked.
    private static let keepClaim = RedisScript(
        name: "keepClaim",
        source: """
            if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
            redis.call('ZADD', KEYS[1], 'XX', ARGV[2], ARGV[1])
            local kind = redis.call('TYPE', KEYS[2]).ok
            return (kind == 'list' or kind == 'none') and 1 or 0
            """)
}
#endif
