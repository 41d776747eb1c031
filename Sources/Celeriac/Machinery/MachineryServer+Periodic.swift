import CeleriacCore
import CeleriacWire
import Logging
import MachineryDialect
public import MachineryWire
import NIOConcurrencyHelpers
import ServiceLifecycle

import struct FoundationEssentials.Date

/// Periodic tasks. Every process that registers them sends them while its server runs, unless another has the lock for that
/// time: with a lock in Redis each is sent once.
extension MachineryServer {
    /// Sends a task again and again.
    ///
    /// - Parameters:
    ///   - spec: when: see ``CronSchedule``.
    ///   - name: a name for the lock; processes with the same program name, name and spec share one.
    ///   - signature: the task. An id that it has is used each time; without one, each gets its own.
    /// - Throws: ``CeleriacError`` with code `configuration` for a spec that cannot be read, `argumentMismatch` or
    ///   `unsupported` for a task that cannot be sent.
    public func registerPeriodicTask(_ spec: String, name: String, _ signature: MachinerySignature) throws {
        try check(.signature(signature))
        try register(spec, name) { server in try await server.send(signature.periodicCopy) }
    }

    /// Sends a chain again and again.
    ///
    /// - Throws: as ``registerPeriodicTask(_:name:_:)``.
    public func registerPeriodicChain(_ spec: String, name: String, _ tasks: [MachinerySignature]) throws {
        try check(.chain(MachineryChain(tasks)))
        try register(spec, name) { server in try await server.send(MachineryChain(tasks.map(\.periodicCopy))) }
    }

    /// Sends a group again and again.
    ///
    /// - Throws: as ``registerPeriodicTask(_:name:_:)``.
    public func registerPeriodicGroup(
        _ spec: String, name: String, sendConcurrency: Int = 0, _ tasks: [MachinerySignature]
    ) throws {
        try check(.group(MachineryGroup(tasks)))
        try register(spec, name) { server in
            try await server.send(MachineryGroup(tasks.map(\.periodicCopy)), sendConcurrency: sendConcurrency)
        }
    }

    /// Sends a chord again and again.
    ///
    /// - Throws: as ``registerPeriodicTask(_:name:_:)``.
    public func registerPeriodicChord(
        _ spec: String, name: String, sendConcurrency: Int = 0, callback: MachinerySignature,
        _ tasks: [MachinerySignature]
    ) throws {
        try check(.chord(MachineryChord(MachineryGroup(tasks), callback: callback)))
        try register(spec, name) { server in
            let group = MachineryGroup(tasks.map(\.periodicCopy))
            try await server.send(
                MachineryChord(group, callback: callback.periodicCopy), sendConcurrency: sendConcurrency)
        }
    }

    /// Refuses what could not be sent, before its time comes.
    private func check(_ workflow: MachineryWorkflow) throws {
        _ = try formats.publication(
            of: .native(workflow),
            in: PublicationContext(
                now: timers.now, replyTo: "", defaultQueue: "", routes: [:], countsChords: true, resultExpiry: nil))
    }

    private func register(
        _ spec: String, _ name: String, send: @escaping @Sendable (MachineryServer) async throws -> Void
    ) throws {
        let task = PeriodicTask(spec: spec, name: name, schedule: try CronSchedule(spec), send: send)
        periodic.withLockedValue { $0.append(task) }
    }

    /// Sends the periodic tasks that were registered before, each at its times, until the task is cancelled or the service
    /// is shut down.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                let tasks = self.periodic.withLockedValue { $0 }
                for task in tasks { group.addTask { await self.repeatedly(task) } }
                // Without any, it waits all the same: a service that ends ends its group.
                if tasks.isEmpty { group.addTask { try? await self.timers.sleep(for: .seconds(1 << 40)) } }
            }
        }
    }

    private func repeatedly(_ task: PeriodicTask) async {
        var time = timers.now
        while !Task.isCancelled, let due = task.schedule.next(after: time) {
            let delay = due.timeIntervalSince(timers.now)
            if delay > 0 {
                do { try await timers.sleep(for: .seconds(delay)) } catch { return }
            }
            // Clocks may be put forward: what was missed is not made up for.
            time = max(due, timers.now)
            await sendOnce(task, at: due)
        }
    }

    private func sendOnce(_ task: PeriodicTask, at due: Date) async {
        let key = "machinery_lock_" + configuration.programName + task.name + task.spec
        // A time that was missed altogether is not made up for: its lock is over, and another may have had it.
        guard let next = task.schedule.next(after: due), next > timers.now else { return }
        do {
            guard try await lock.acquire(key, until: GoTime(next).unixNanoseconds - 1) else { return }
            try await task.send(self)
        } catch {
            logger.error(
                "could not send a periodic task", metadata: ["name": "\(task.name)", "error": "\(error)"])
        }
    }
}

extension MachinerySignature {
    /// The signature as Machinery copies it for each time: without callbacks it has empty lists of them.
    fileprivate var periodicCopy: MachinerySignature {
        var copy = self
        copy.onSuccess = (onSuccess ?? []).map(\.periodicCopy)
        copy.onError = (onError ?? []).map(\.periodicCopy)
        copy.chordCallback = chordCallback?.periodicCopy
        return copy
    }
}
