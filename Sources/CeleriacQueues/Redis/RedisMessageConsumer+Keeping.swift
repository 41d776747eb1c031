#if Redis
package import CeleriacCore
import CeleriacRedis
import NIOConcurrencyHelpers

/// How the consumer does without messages in memory that wait for their time: they stand in the hash of claims.
extension RedisMessageConsumer: PayloadKeepingConsumer {
    package func letGo(_ receipts: [Receipt]) {
        state.withLockedValue { state in
            for receipt in receipts {
                guard let claim = state.ledger[receipt.tag] else { continue }
                state.kept.keep(claim)
                state.ledger.forget(CollectionOfOne(receipt.tag))
            }
        }
    }

    package func recall(_ receipts: [Receipt]) async throws -> [Delivery?] {
        let read: [RedisClaim?]
        do {
            read = try await self.read(kept(receipts))
        } catch {
            throw CeleriacError(.unavailable, "\(name) did not show claimed messages", cause: error)
        }
        let claims = state.withLockedValue { state -> [RedisClaim] in
            var claims: [RedisClaim] = []
            for (receipt, claim) in zip(receipts, read) {
                // It may have been given back meanwhile. What is not in the hash was restored by another worker.
                guard state.kept.remove(receipt.tag), let claim else { continue }
                state.ledger.hold(claim, as: claim.serial)
                claims.append(claim)
            }
            return claims
        }
        var deliveries: [UInt64: Delivery] = [:]
        for delivery in await self.deliveries(of: claims) { deliveries[delivery.receipt.tag] = delivery }
        return receipts.map { deliveries[$0.tag] }
    }

    package func look(at receipts: [Receipt]) async throws -> [Delivery?] {
        do {
            return try await read(kept(receipts)).map { claim in
                claim.map { topology.delivery(of: $0).delivery }
            }
        } catch {
            throw CeleriacError(.unavailable, "\(name) did not show claimed messages", cause: error)
        }
    }

    /// The serial of a claim, and what the consumer has of it once it has let go of the message.
    private typealias Kept = (serial: UInt64, claim: KeptClaims.Claim?)

    private func kept(_ receipts: [Receipt]) -> [Kept] {
        state.withLockedValue { state in receipts.map { ($0.tag, state.kept[$0.tag]) } }
    }

    /// Reads messages from the hash of claims.
    ///
    /// - Returns: for each claim, in order, the claim with its message; nil if the consumer had not let go of it, or if it
    ///   stands no more.
    private func read(_ kept: [Kept]) async throws(RedisError) -> [RedisClaim?] {
        var lists: [ObjectIdentifier: [Int]] = [:]
        for (place, one) in kept.enumerated() {
            if let claim = one.claim { lists[ObjectIdentifier(claim.list), default: []].append(place) }
        }
        var (commands, portions) = ([RedisCommand](), [[Int]]())
        for places in lists.values {
            guard let first = places.first, let list = kept[first].claim?.list else { continue }
            let key = topology.claimsKey(of: list)
            var (portion, size) = ([Int](), 0)
            func finish() {
                if portion.isEmpty { return }
                var command = RedisCommand("HMGET", key)
                for place in portion { command.append(tag(of: kept[place].serial)) }
                commands.append(command)
                portions.append(portion)
                (portion, size) = ([], 0)
            }
            for place in places {
                let next = Int(kept[place].claim?.size ?? 0)
                if portion.count == KeptClaims.longestPortion || size + next > KeptClaims.largestPortion { finish() }
                portion.append(place)
                size += next
            }
            finish()
        }
        var claims = [RedisClaim?](repeating: nil, count: kept.count)
        if commands.isEmpty { return claims }
        let replies = try await client.send(commands)
        if let refusal = replies.lazy.compactMap(\.error).first { throw RedisError(refusal) }
        for (portion, reply) in zip(portions, replies) {
            for (place, value) in zip(portion, reply.array ?? []) {
                guard let claim = kept[place].claim, let stored = value.bytes,
                    let payload = topology.payload(of: stored, from: claim.list)
                else { continue }
                claims[place] = self.claim(kept[place].serial, claim, payload: payload)
            }
        }
        return claims
    }

    private func claim(_ serial: UInt64, _ kept: KeptClaims.Claim, payload: [UInt8]) -> RedisClaim {
        RedisClaim(
            serial: serial, tag: tag(of: serial), list: kept.list, payload: payload, attempts: kept.attempts)
    }

    /// Gives back claims whose messages the consumer has let go of, the newest first, each to the front of its list; also
    /// those that a recall which was under way has brought back meanwhile.
    ///
    /// - Parameter serials: their serials, ascending.
    /// - Throws: what `RedisClient.end` throws, once all has been tried that could be.
    func giveBackKept(_ serials: [UInt64]) async throws(RedisError) {
        var refusal: RedisError?
        var rest = serials[...]
        while !rest.isEmpty {
            let (count, kept, recalled) = state.withLockedValue { state -> (Int, [Kept], [RedisClaim]) in
                let count = state.kept.portion(atEndOf: rest)
                let portion = rest.suffix(count)
                let kept = portion.compactMap { serial in state.kept[serial].map { (serial, $0) as Kept } }
                let recalled = state.ledger.unended(among: portion).map(\.claim)
                return (count, kept, recalled)
            }
            rest = rest.dropLast(count)
            do throws(RedisError) {
                let found = try await claims(toGiveBack: kept)
                let claims = (recalled + found).sorted { $0.serial < $1.serial }
                try await client.end(topology.giveBack(claims, park: park), onEnd: forget)
                let standing = Set(found.map(\.serial))
                // Another worker has restored the others.
                forget(kept.map(\.serial).filter { !standing.contains($0) })
            } catch {
                // One refused ending must not hold up the others.
                guard error.code == .server else { throw error }
                refusal = error
            }
        }
        if let refusal { throw refusal }
    }

    private func claims(toGiveBack kept: [Kept]) async throws(RedisError) -> [RedisClaim] {
        guard topology.putsBackFromClaims else { return try await read(kept).compactMap { $0 } }
        return kept.compactMap { serial, claim in claim.map { self.claim(serial, $0, payload: []) } }
    }
}
#endif
