import CeleriacCore
import CeleriacQueues
import NIOConcurrencyHelpers

/// How the consumer counts attempts: as on the other transports, the beginnings of messages that have come back. The count
/// is in the name of the claimed file, so that it survives the process.
extension CeleryFilesystemConsumer {
    func isHeld(_ receipt: Receipt) -> Bool { state.withLockedValue { !$0.unbegun.contains(receipt.tag) } }

    func markBegun(_ receipts: [Receipt]) async throws {
        for receipt in receipts { await waitForTurn(receipt.tag) }
        try await FileStore.blocking { for receipt in receipts { try self.countBeginning(of: receipt.tag) } }
    }

    private func countBeginning(of tag: UInt64) throws(CeleriacError) {
        let held = state.withLockedValue { $0.unbegun.contains(tag) ? nil : $0.ledger[tag] }
        guard let held, !held.isCounted else { return }
        let attempts = (held.attempts ?? 0) + 1
        let counted = FileAttempts.name(held.file, counting: attempts)
        try FileStore.move("\(ownClaims)/\(held.file)", to: "\(ownClaims)/\(counted)")
        state.withLockedValue { state in
            state.ledger[tag]?.file = counted
            state.ledger[tag]?.attempts = attempts
            state.ledger[tag]?.isCounted = true
        }
    }

    /// Waits until no other suspect runs. A stop gives back one that waits.
    private func waitForTurn(_ tag: UInt64) async {
        await SuspectTurn.wait(timers) { now in
            state.withLockedValue { state in
                guard state.ledger[tag]?.isSuspect == true, !state.isStopped else { return nil }
                return state.turn.take(tag, now: now)
            }
        }
        let isUnbegun = state.withLockedValue { state in
            guard state.isStopped, state.ledger[tag]?.isSuspect == true else { return false }
            state.unbegun.insert(tag)
            return true
        }
        // What is not given back now is when the consumer closes.
        if isUnbegun { try? await giveBack([Receipt(generation: 0, tag: tag)]) }
    }
}
