import Logging
import NIOConcurrencyHelpers

/// Passes results on to the callers that wait for them, and keeps those that the store delivers only once.
final class ResultHub: ResultSink {
    private struct Entry {
        /// Handles on the task that may still ask for its result.
        var holders = 0
        var waits: [ObjectIdentifier: ResultWait] = [:]
        var latest: TaskResult?
        /// Why what arrived last cannot be read. Nothing else may ever arrive.
        var unreadable: (any Error)?
    }
    private let closing = Gate()
    private let entries = NIOLockedValueBox<[String: Entry]>([:])
    private let dialect: any Dialect
    private let logger: Logger

    init(dialect: any Dialect, logger: Logger) {
        self.dialect = dialect
        self.logger = logger
    }

    /// Keeps what arrives for tasks until the ticket is released.
    func hold(_ taskIDs: [String]) -> ResultTicket {
        entries.withLockedValue { entries in
            for taskID in taskIDs { entries[taskID, default: Entry()].holders += 1 }
        }
        return ResultTicket(taskIDs: taskIDs, hub: self)
    }

    func release(_ taskIDs: [String]) {
        entries.withLockedValue { entries in
            for taskID in taskIDs {
                entries[taskID]?.holders -= 1
                Self.prune(taskID, &entries)
            }
        }
    }

    /// The last state that arrived for a held task.
    func latest(_ taskID: String) -> TaskResult? { entries.withLockedValue { $0[taskID]?.latest } }

    func begin(_ wait: ResultWait) {
        let known = entries.withLockedValue { entries in
            wait.missing.compactMap { taskID in
                entries[taskID, default: Entry()].waits[ObjectIdentifier(wait)] = wait
                return entries[taskID]
            }
        }
        for entry in known {
            if let result = entry.latest, result.state.isFinal {
                wait.fulfil(result)
            } else if let error = entry.unreadable {
                wait.fail(error)
            }
        }
        if closing.isOpen { wait.fail(Self.closed) }
    }

    /// Ends a wait.
    ///
    /// - Parameters:
    ///   - wait: the wait that ends.
    ///   - taskIDs: the tasks that it waited for.
    ///   - unwatch: gets those of the tasks that nobody waits for any more. The hub calls it under its lock, so that it
    ///     cannot end a watch that begins later; it must not call the hub.
    func end(_ wait: ResultWait, _ taskIDs: [String], unwatch: ([String]) -> Void) {
        entries.withLockedValue { entries in
            let idle = taskIDs.filter { taskID in
                entries[taskID]?.waits[ObjectIdentifier(wait)] = nil
                let isIdle = entries[taskID]?.waits.isEmpty ?? true
                Self.prune(taskID, &entries)
                return isIdle
            }
            if !idle.isEmpty { unwatch(idle) }
        }
    }

    /// Ends all waits, including those that begin later.
    func close() {
        let waits = entries.withLockedValue { entries in
            closing.open()
            return entries.values.flatMap { $0.waits.values }
        }
        for wait in waits { wait.fail(Self.closed) }
    }

    private static var closed: CeleriacError { CeleriacError(.closed, "the client is closed") }

    private static func prune(_ taskID: String, _ entries: inout [String: Entry]) {
        if let entry = entries[taskID], entry.holders <= 0, entry.waits.isEmpty { entries[taskID] = nil }
    }

    func receive(_ updates: [(taskID: String, payload: [UInt8])]) {
        for (taskID, payload) in updates {
            guard entries.withLockedValue({ $0[taskID] != nil }) else { continue }
            do {
                var result = try dialect.result(from: payload)
                // The key under which a state is stored names the task; some peers leave the id out of the state.
                result.taskID = taskID
                let waits = entries.withLockedValue { entries in
                    guard var entry = entries[taskID] else { return [ResultWait]() }
                    (entry.latest, entry.unreadable) = (result, nil)
                    entries[taskID] = entry
                    return Array(entry.waits.values)
                }
                if result.state.isFinal { for wait in waits { wait.fulfil(result) } }
            } catch {
                logger.warning("unreadable result", metadata: ["task-id": "\(taskID)", "error": "\(error)"])
                let waits = entries.withLockedValue { entries in
                    entries[taskID]?.unreadable = error
                    return entries[taskID].map { Array($0.waits.values) } ?? []
                }
                for wait in waits { wait.fail(error) }
            }
        }
    }

    func updatesMayBeMissing() {
        let waits = entries.withLockedValue { entries in entries.values.flatMap { $0.waits.values } }
        for wait in waits { wait.needsFetch() }
    }
}

/// Keeps the results of tasks in the hub for as long as a handle can ask for them.
final class ResultTicket: Sendable {
    private let taskIDs: [String]
    private let hub: ResultHub

    init(taskIDs: [String], hub: ResultHub) {
        self.taskIDs = taskIDs
        self.hub = hub
    }

    deinit { hub.release(taskIDs) }
}
