#if Redis
package import CeleriacCore
import CeleriacRedis
import Logging
import NIOConcurrencyHelpers
import NIOCore
import Synchronization

import struct FoundationEssentials.Date

/// How the consumer keeps and ends claims.
extension RedisMessageConsumer {
    // MARK: Holding

    func startChores() {
        let interval = topology.renewalInterval
        let renewal = RedisChore(every: interval, after: interval) { $0.renewClaims() }
        for chore in [renewal] + topology.chores {
            let task = client.eventLoop.scheduleRepeatedTask(
                initialDelay: TimeAmount(chore.first), delay: TimeAmount(chore.interval)
            ) { [weak self] _ in
                if let self { chore.work(self) }
            }
            state.withLockedValue { $0.timers.append(task) }
        }
    }

    /// Renews the time of every claim, unless that is still under way.
    private func renewClaims() {
        let serials = state.withLockedValue { state -> [UInt64] in
            if state.isRenewing { return [] }
            let serials = state.ledger.claims.map { $0.key } + state.kept.serials
            state.isRenewing = !serials.isEmpty
            return serials
        }
        if !serials.isEmpty { renew(serials[...]) }
    }

    /// Renews claims, one portion after the other: a great many in one go would hold up all else that the worker does.
    private func renew(_ serials: ArraySlice<UInt64>) {
        let (portion, rest) = (serials.prefix(500), serials.dropFirst(500))
        var claims: [ObjectIdentifier: (list: RedisQueueList, serials: [UInt64])] = [:]
        state.withLockedValue { state in
            for serial in portion {
                guard let list = state.list(of: serial) else { continue }
                claims[ObjectIdentifier(list), default: (list, [])].serials.append(serial)
            }
            if rest.isEmpty { state.isRenewing = false }
        }
        let now = String(timers.now.timeIntervalSince1970)
        let commands = claims.values.map { list, serials in
            var command = RedisCommand("ZADD", topology.indexKey(of: list), "XX")
            for serial in serials {
                command.append(now)
                command.append(tag(of: serial))
            }
            return command
        }
        if commands.isEmpty {
            if !rest.isEmpty { renew(rest) }
            return
        }
        client.submit(commands).whenComplete { [weak self] result in
            guard let self else { return }
            note("renew claims", result.refusal)
            if rest.isEmpty { return }
            if case .failure = result {
                state.withLockedValue { $0.isRenewing = false }
            } else {
                renew(rest)
            }
        }
    }

    /// Notes how work ended that is done regularly. An outage is told once.
    ///
    /// - Parameters:
    ///   - work: what was to be done, as it stands in a log after "could not".
    ///   - error: why it could not be done; nil if it was.
    package func note(_ work: String, _ error: (any Error)?) {
        guard let error else { return state.withLockedValue { _ = $0.failing.remove(work) } }
        // The end of the consumer closes its client, and what that cuts off is no failure.
        let isEnd = (error as? RedisError)?.code == .closed
        let isNew = state.withLockedValue { !isEnd && $0.failing.insert(work).inserted }
        logger.log(level: isNew ? .warning : .debug, "could not \(work)", metadata: ["error": "\(error)"])
    }

    package var settledTooLate: Set<Receipt> {
        state.withLockedValue { Set($0.tooLate.map { Receipt(generation: 0, tag: $0) }) }
    }

    package func hasLost(_ receipt: Receipt) async -> Bool {
        // Its ending came too late, and the worker has not heard of that yet.
        if state.withLockedValue({ $0.tooLate.contains(receipt.tag) }) { return true }
        guard let list = state.withLockedValue({ $0.list(of: receipt.tag) }) else { return false }
        let score = RedisCommand("ZSCORE", topology.indexKey(of: list), tag(of: receipt.tag))
        guard let reply = try? await client.send(score), reply.isNull else { return false }
        forget([receipt.tag])
        return true
    }

    package func isHeld(_ receipt: Receipt) -> Bool {
        !hasUnbegun.load(ordering: .acquiring) || state.withLockedValue { !$0.unbegun.contains(receipt.tag) }
    }

    package func markBegun(_ receipts: [Receipt]) async throws {
        for receipt in receipts { await waitForTurn(receipt.tag) }
        let claims = state.withLockedValue { state in
            receipts.compactMap { state.unbegun.contains($0.tag) ? nil : state.ledger[$0.tag] }
        }
        let counted = claims.map { ($0.serial, topology.countBeginning(of: $0)) }.filter { !$0.1.isEmpty }
        guard !counted.isEmpty else { return }
        do {
            try await client.count(counted.flatMap(\.1))
        } catch {
            throw CeleriacError(.unavailable, "\(name) did not count the beginning of a message", cause: error)
        }
        state.withLockedValue { state in
            for (serial, _) in counted { state.ledger[serial]?.isCounted = true }
        }
    }

    /// Waits until no other suspect runs. A stop gives back one that waits.
    private func waitForTurn(_ serial: UInt64) async {
        await SuspectTurn.wait(timers) { now in
            state.withLockedValue { state in
                guard state.ledger[serial]?.isSuspect == true, !state.isStopped else { return nil }
                return state.turn.take(serial, now: now)
            }
        }
        let isUnbegun = state.withLockedValue { state in
            guard state.isStopped, state.ledger[serial]?.isSuspect == true else { return false }
            state.unbegun.insert(serial)
            return true
        }
        guard isUnbegun else { return }
        hasUnbegun.store(true, ordering: .releasing)
        // What is not given back now is when the consumer closes.
        try? await giveBack(serials: [serial])
    }

    // MARK: Settling

    package var unsettledDescription: String? {
        "\(state.withLockedValue { $0.claimCount }) claimed; \(topology.restoration)"
    }

    package func settle(_ settlements: [Settlement]) async throws { try await settle(settlements, onEnd: forget) }

    func settle(_ settlements: [Settlement], onEnd: (ClaimEnding, ArraySlice<RedisValue>) -> Void) async throws {
        state.withLockedValue { state in
            state.tooLate = []
            state.ledger.note(settlements)
            for settlement in settlements { state.turn.end(settlement.receipt.tag) }
        }
        do {
            try await client.end(
                endings(of: settlements.map(\.receipt.tag)), timers: timers, logger: logger,
                isLastTry: { state.withLockedValue { $0.isStopped } }, onEnd: onEnd)
        } catch {
            throw CeleriacError(
                error.failureCode(otherwise: .publishFailed), "\(name) did not settle messages", cause: error)
        }
    }

    /// Retries, once more, the settlements that failed before.
    func settleAgain() async throws(RedisError) {
        try await client.end(endings(of: state.withLockedValue { $0.ledger.unsettled }), onEnd: forget)
    }

    package func giveBack(_ receipts: [Receipt]) async throws {
        try await giveBack(serials: receipts.map(\.tag).sorted())
    }

    package func giveBackToEnd(_ receipts: [Receipt]) async throws {
        let claims = state.withLockedValue { state -> [RedisClaim] in
            state.courtesy.begin(at: timers.now)
            return state.ledger.unended(among: receipts.map(\.tag).sorted()).map(\.claim)
        }
        try await client.end(topology.giveBackToEnd(claims, park: park), onEnd: forget)
    }

    /// Gives claims back in this order, first those that may run now. What has ended meanwhile is never given back, also while
    /// Redis has not heard of it.
    func giveBack(serials: [UInt64]) async throws(RedisError) {
        let (claims, kept) = state.withLockedValue { state -> ([RedisClaim], [UInt64]) in
            state.courtesy.begin(at: timers.now)
            return (state.ledger.unended(among: serials).map(\.claim), serials.filter { state.kept[$0] != nil })
        }
        var refusal: RedisError?
        do throws(RedisError) {
            try await client.end(topology.giveBack(claims, park: park), onEnd: forget)
        } catch {
            guard error.code == .server else { throw error }
            refusal = error
        }
        try await giveBackKept(kept)
        if let refusal { throw refusal }
    }

    func forget(_ ending: ClaimEnding, _ replies: ArraySlice<RedisValue>) {
        // Which of them is not told, and to doubt one more does no harm.
        if ending.cameTooLate(replies) { state.withLockedValue { $0.tooLate.formUnion(ending.serials) } }
        forget(ending.serials)
    }

    func forget(_ serials: [UInt64]) {
        state.withLockedValue { state in
            state.ledger.forget(serials)
            for serial in serials {
                state.kept.remove(serial)
                state.turn.end(serial)
            }
        }
    }

    private func endings(of serials: [UInt64]) -> [ClaimEnding] {
        var acknowledged: [RedisClaim] = []
        var requeued: [RedisClaim] = []
        var parked: [ClaimEnding] = []
        for (_, claim, disposition) in state.withLockedValue({ $0.ledger.noted(serials) }) {
            switch disposition {
            case .acknowledge, .reject: acknowledged.append(claim)
            case .requeue: requeued.append(claim)
            case .park(let fault): parked.append(park(claim, fault))
            }
        }
        var endings = acknowledged.isEmpty ? [] : topology.acknowledge(acknowledged)
        if requeued.isEmpty { return endings + parked }
        // A handler that a stop cuts short gives its message back in good order, which is no attempt.
        let isStopped = state.withLockedValue { $0.isStopped }
        endings += isStopped ? topology.giveBack(requeued, park: park) : topology.requeue(requeued, park: park)
        return endings + parked
    }

    func park(_ claim: RedisClaim, _ fault: MessageFault) -> ClaimEnding {
        topology.park(claim, as: parkedRecord(of: claim.payload, from: claim.list.queue, fault))
    }

    /// The record of a parked message.
    package func parkedRecord(of payload: [UInt8], from queue: String, _ fault: MessageFault) -> [UInt8] {
        topology.parkedFormat.encode(
            ParkedMessage(
                queue: queue, message: payload, reason: fault.reason, detail: fault.detail, time: timers.now,
                worker: nodeName, failureIsStored: fault.failureIsStored))
    }
}
#endif
