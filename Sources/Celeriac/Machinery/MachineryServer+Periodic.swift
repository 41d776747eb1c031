import CeleriacCore
import CeleriacWire
import MachineryDialect
public import MachineryWire
import NIOConcurrencyHelpers
import NIOCore

/// Periodic tasks. Every process that registers them runs a ``Beat`` for each. The process that gets a run's lock sends
/// the run, so that with a lock in Redis each run is sent once.
extension MachineryServer {
    /// Sends a task again and again.
    ///
    /// - Parameters:
    ///   - spec: when the task is sent, in Machinery's grammar: five fields (minute, hour, day of month, month, day of
    ///     week), `@every 1h30m`, `@daily` and the like, each with `CRON_TZ=Zone` in front if need be.
    ///   - name: a name for the lock; processes with the same program name, name and spec share one.
    ///   - signature: the task. If it has an id, every run has that id; otherwise each run gets its own.
    /// - Throws: ``CeleriacError`` with code `configuration` for a spec that cannot be read, `argumentMismatch` or
    ///   `unsupported` for a task that cannot be sent.
    public func registerPeriodicTask(_ spec: String, name: String, _ signature: MachinerySignature) throws {
        try register(spec, name, task: signature.name) { .signature(signature.periodicCopy) }
    }

    /// Sends a chain again and again.
    ///
    /// - Throws: as ``registerPeriodicTask(_:name:_:)``.
    public func registerPeriodicChain(_ spec: String, name: String, _ tasks: [MachinerySignature]) throws {
        try register(spec, name, task: "chain") { .chain(MachineryChain(tasks.map(\.periodicCopy))) }
    }

    /// Sends a group again and again.
    ///
    /// - Throws: as ``registerPeriodicTask(_:name:_:)``.
    public func registerPeriodicGroup(
        _ spec: String, name: String, sendConcurrency: Int = 0, _ tasks: [MachinerySignature]
    ) throws {
        try register(spec, name, task: "group", sendConcurrency) { .group(MachineryGroup(tasks.map(\.periodicCopy))) }
    }

    /// Sends a chord again and again.
    ///
    /// - Throws: as ``registerPeriodicTask(_:name:_:)``.
    public func registerPeriodicChord(
        _ spec: String, name: String, sendConcurrency: Int = 0, callback: MachinerySignature,
        _ tasks: [MachinerySignature]
    ) throws {
        try register(spec, name, task: "chord", sendConcurrency) {
            .chord(MachineryChord(MachineryGroup(tasks.map(\.periodicCopy)), callback: callback.periodicCopy))
        }
    }

    private func register(
        _ spec: String, _ name: String, task: String, _ sendConcurrency: Int = 0,
        _ workflow: @escaping @Sendable () -> MachineryWorkflow
    ) throws {
        // Refuse now a task that could not be sent, rather than when it is due.
        _ = try formats.publication(
            of: .native(workflow()),
            in: PublicationContext(
                now: timers.now, replyTo: "", defaultQueue: "", routes: [:], countsChords: true, resultExpiry: nil))
        let schedule = try CronSchedule(spec)
        let runLock = runLock("machinery_lock_" + configuration.programName + name + spec)
        let entry = BeatEntry(name, schedule, task: task, runLock: runLock) { client, _ in
            let signature = Signature<WireValue>(native: workflow(), name: task)
            return try await client.send(signature, unconfirmed: sendConcurrency > 0 ? sendConcurrency : .max).id
        }
        periodic.withLockedValue { $0.append(entry) }
    }

    /// Machinery's lock of one periodic task. The process that takes it keeps it until just before the next run is due.
    private func runLock(_ key: String) -> BeatEntry.RunLock {
        { [lock, timers] _, next in
            // Once the next run is due, this one is skipped: another process may have had its lock.
            guard let next, next > timers.now else { return false }
            return try await lock.acquire(key, until: GoTime(next).unixNanoseconds - 1)
        }
    }

    /// Sends each of the periodic tasks registered so far when it is due, until a graceful shutdown or cancellation.
    /// Missed runs are skipped.
    public func run() async throws {
        let entries = periodic.withLockedValue { $0 }
        try await withThrowingTaskGroup(of: Void.self) { group in
            // Each task has its own beat, so that none waits while another takes its lock or is sent. Without any task
            // one beat still runs, because a service that returns ends its group.
            for entries in entries.isEmpty ? [[]] : entries.map({ [$0] }) {
                let beat = try Beat(
                    client: client, entries: entries, configuration: BeatConfiguration(missedRuns: .skip), lock: nil,
                    store: nil, timers: timers, executor: EventLoopTaskExecutor(eventLoopGroup.next()), logger: logger)
                group.addTask { try await beat.run() }
            }
            try await group.waitForAll()
        }
    }
}

extension MachinerySignature {
    /// The signature as Machinery copies it for each run. Where it has no callbacks, the copy has empty lists.
    fileprivate var periodicCopy: MachinerySignature {
        var copy = self
        copy.onSuccess = (onSuccess ?? []).map(\.periodicCopy)
        copy.onError = (onError ?? []).map(\.periodicCopy)
        copy.chordCallback = chordCallback?.periodicCopy
        return copy
    }
}
