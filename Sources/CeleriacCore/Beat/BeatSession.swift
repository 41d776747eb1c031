import CeleriacWire
import Logging

import struct FoundationEssentials.Date

/// A beat between its start and its stop: it waits for the lock, then for each run to be due.
final class BeatSession {
    private let beat: Beat
    private let logger: Logger
    private var backoff = Backoff(first: .seconds(1))
    private var isWatching = false
    private var isWaiting = false
    /// Runs that this beat has taken by their run locks but could not send yet.
    private var taken: Set<BeatRun> = []

    init(beat: Beat) {
        self.beat = beat
        logger = beat.logger
    }

    /// Sends runs until the beat is stopped.
    ///
    /// - Parameter onLead: called whenever this beat begins to send.
    /// - Throws: ``CeleriacError`` with code `configuration` for a remembered state that cannot be read; without a
    ///   lock, any error of the store that held it.
    nonisolated(nonsending) func run(_ onLead: @Sendable () -> Void) async throws {
        // From here on, so that a beat which never gets to its schedule is noticed.
        beat.noteLook()
        guard let lock = beat.lock else {
            try await lead(nil, onLead)
            return
        }
        while !beat.signal.isStopping {
            do {
                try await take(lock, onLead)
            } catch let error as CeleriacError where error.code == .configuration {
                throw error
            } catch {
                await pause("the lock is out of reach, trying again", error)
            }
        }
    }

    private nonisolated(nonsending) func take(_ lock: any DistributedLock, _ onLead: @Sendable () -> Void) async throws
    {
        if !isWatching {
            let signal = beat.signal
            try await lock.onRelease { signal.wake() }
            isWatching = true
        }
        switch try await lock.attempt() {
        case .taken(let hold):
            isWaiting = false
            logger.info("this beat has the lock", metadata: ["lock": "\(lock.name)"])
            let lease = LockLease(hold, timers: beat.timers) { [signal = beat.signal] in signal.wake() }
            defer { lease.lose() }
            do {
                try await lead((hold, lease), onLead)
            } catch {
                try? await hold.release()
                throw error
            }
            if lease.isHeld {
                try? await hold.release()
            } else {
                logger.warning("this beat has lost the lock and sends nothing more", metadata: ["lock": "\(lock.name)"])
            }
        case .busy(let rest):
            backoff.reset()
            if !isWaiting { logger.info("another beat has the lock, waiting", metadata: ["lock": "\(lock.name)"]) }
            isWaiting = true
            // Unless its holder renews it, the hold ends then.
            let pause = min(max(rest, .milliseconds(10)), .seconds(86_400))
            beat.noteLook(sleeping: pause)
            await beat.signal.wait(upTo: pause, by: beat.timers)
        }
    }

    private typealias Leadership = (hold: any LockHold, lease: LockLease)

    /// Sends runs as they become due, until the beat is stopped or loses its lock.
    private nonisolated(nonsending) func lead(_ leadership: Leadership?, _ onLead: @Sendable () -> Void) async throws {
        var ledger = BeatLedger(
            beat.entries, configuration: beat.configuration, remembered: try await remembered(leadership?.hold),
            now: beat.timers.now)
        guard try await remember(ledger, leadership) else { return }
        backoff.reset()
        onLead()
        while !beat.signal.isStopping, leadership?.lease.isHeld ?? true {
            do {
                guard try await leadership?.lease.keep() ?? true else { return }
                try await sendDue(&ledger, leadership)
                beat.noteLook()
                backoff.reset()
            } catch {
                await pause("the schedule is held up, trying again", error)
                continue
            }
            await beat.signal.wait(upTo: rest(&ledger), by: beat.timers)
        }
    }

    private func rest(_ ledger: inout BeatLedger) -> Duration {
        let longest = beat.configuration.maximumPause
        guard let next = ledger.nextDue() else { return longest }
        let seconds = next.timeIntervalSince(beat.timers.now)
        // Timers and the wall clock differ a little: a pause of zero would make the loop spin.
        return seconds >= longest.seconds ? longest : max(.seconds(seconds), .milliseconds(1))
    }

    // MARK: Sending

    private nonisolated(nonsending) func sendDue(_ ledger: inout BeatLedger, _ leadership: Leadership?) async throws {
        let before = ledger
        let runs = ledger.takeDue(at: beat.timers.now)
        do {
            guard !runs.isEmpty, try await remember(ledger, leadership) else { return }
        } catch {
            ledger = before
            throw error
        }
        for (index, run) in runs.enumerated() {
            // A beat that has just lost the lock still sends the runs that it has recorded: nobody else will.
            _ = try? await leadership?.lease.keep()
            do {
                try await send(run)
            } catch let error as CeleriacError where error.code == .unavailable {
                // Neither this run nor those after it were sent.
                for run in runs[index...].reversed() { ledger.putBack(run) }
                _ = try await remember(ledger, leadership)
                throw error
            } catch {
                logger.error(
                    "a task of the schedule could not be sent",
                    metadata: ["entry": "\(run.name)", "error": "\(error)"])
            }
        }
        taken = []
    }

    private nonisolated(nonsending) func send(_ run: BeatRun) async throws {
        guard let entry = beat.entries.first(where: { $0.name == run.name }) else { return }
        if let lock = entry.runLock, !taken.contains(run) {
            guard try await lock(run.due, entry.schedule.next(after: run.due)) else {
                logger.debug("another beat sends a due task", metadata: ["entry": "\(run.name)"])
                return
            }
            taken.insert(run)
        }
        var options = entry.options
        for (name, value) in beat.configuration.headers { options.headers[name] = value }
        if let expiry = entry.expiresAfter { options.expires = beat.timers.now.addingTimeInterval(expiry.seconds) }
        let id = try await entry.send(beat.client, options)
        logger.info("sent a due task", metadata: ["entry": "\(run.name)", "task": "\(entry.task)", "id": "\(id)"])
    }

    // MARK: Memory

    private nonisolated(nonsending) func remembered(_ hold: (any LockHold)?) async throws -> [String: BeatRecord] {
        var records: [String: BeatRecord] = [:]
        if let lock = beat.lock, let note = try await hold?.note() {
            records = try BeatMemory.decode(note, from: lock.name)
        }
        if let store = beat.store, let saved = try await store.load() {
            records = BeatMemory.merge(records, try BeatMemory.decode(saved, from: store.name))
        }
        return records
    }

    /// Records which runs count as sent.
    ///
    /// - Parameters:
    ///   - ledger: the ledger whose records are kept.
    ///   - leadership: the hold on the lock beside which they are kept; nil for a beat without a lock.
    /// - Returns: whether this beat may still send: false once it has lost the lock.
    /// - Throws: the lock's error. A failure of the store is only logged.
    private nonisolated(nonsending) func remember(_ ledger: BeatLedger, _ leadership: Leadership?) async throws -> Bool
    {
        let state = try BeatMemory.encode(ledger.records)
        if let (hold, lease) = leadership, !(try await hold.leaveNote(state)) {
            lease.lose()
            return false
        }
        do {
            try await beat.store?.save(state)
        } catch {
            // Keep sending: a run that is sent twice after a restart does less harm than one that is never sent.
            logger.error(
                "the state of the schedule was not saved",
                metadata: ["state": "\(beat.store?.name ?? "")", "error": "\(error)"])
        }
        return true
    }

    private nonisolated(nonsending) func pause(_ message: Logger.Message, _ error: any Error) async {
        let pause = backoff.next()
        logger.warning(message, metadata: ["error": "\(error)", "seconds": "\(pause.seconds)"])
        await beat.signal.wait(upTo: pause, by: beat.timers)
    }
}
