import CeleriacCore
import Logging
import NIOConcurrencyHelpers

extension Bridge {
    /// After how many notes those that count no more are looked for.
    private static let notesBetweenLooks = 1000

    /// Revokes tasks of the sources: those whose messages have not come must not go on, and workers of Celery targets are told
    /// of those that have gone. Machinery has no way to revoke.
    func revoke(_ ids: [String], terminate: Bool, signal: String?) async {
        for id in ids { revoked.insert(id) }
        let new = ids.filter { notedRevocations.insert($0) }
        if !new.isEmpty { await note(new) }
        // Routes may share a target, which is told once.
        let targets = Dictionary(grouping: runs.filter { $0.target.kind == .celery }) {
            ObjectIdentifier($0.target.client)
        }
        for sharing in targets.values where !isStopping {
            await tell(sharing, of: ids, terminate: terminate, signal: signal)
        }
    }

    /// Notes revocations at the targets' brokers, for bridges that begin later.
    private func note(_ ids: [String]) async {
        var places: Set<ObjectIdentifier> = []
        let isLook = noteCount.withLockedValue { count in
            count += 1
            return count.isMultiple(of: Self.notesBetweenLooks)
        }
        for run in runs where places.insert(ObjectIdentifier(run.target.client)).inserted {
            let notes = RevocationNotes(at: run.target, of: run.route, nodeName: nodeName)
            do {
                try await untilStop {
                    try await notes.add(ids)
                    if isLook { _ = try await notes.read() }
                }
            } catch {
                // The next attempt of an operator must be noted.
                for id in ids { notedRevocations.remove(id) }
                logger.warning(
                    "a bridge could not note a revocation, which it forgets when it ends",
                    metadata: ["broker": "\(run.target.notes.name)", "tasks": "\(ids.count)", "error": "\(error)"])
            }
        }
    }

    /// Tells the target that routes share of revocations of which it was not told yet.
    private func tell(_ runs: [RouteRun], of ids: [String], terminate: Bool, signal: String?) async {
        guard let target = runs.first?.target else { return }
        // A request to terminate is new, even if the task was revoked before.
        func mark(_ id: String) -> String { terminate ? "terminate \(id)" : id }
        let new = Set(runs.flatMap { $0.targetIDs(of: ids) }).sorted().filter {
            target.toldRevocations.insert(mark($0))
        }
        if new.isEmpty { return }
        do {
            try await untilStop { try await target.client.revoke(new, terminate: terminate, signal: signal) }
        } catch {
            // The next attempt of an operator must be passed on.
            for id in new { target.toldRevocations.remove(mark(id)) }
            logger.warning(
                "a bridge could not pass on a revocation",
                metadata: ["broker": "\(target.broker.name)", "tasks": "\(new.count)", "error": "\(error)"])
        }
    }

    /// Calls a server, and cancels the call when the bridge ends: a server that does not answer must not hold that up.
    private func untilStop(_ call: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await call() }
            group.addTask { [stopping] in try await stopping.waitUnlessCancelled() }
            defer { group.cancelAll() }
            _ = try await group.next()
        }
    }
}

extension RouteRun {
    /// The ids at the target of tasks at the source: those that follow from theirs, and those of the notes that are held, since
    /// a retry has another.
    fileprivate func targetIDs(of ids: [String]) -> [String] {
        if source.kind == target.kind { return ids }
        let wanted = Set(ids)
        var found = Set(ids.map { TargetID.made(of: $0, for: target.kind) })
        for held in held.withLockedValue({ $0.all }) {
            if let id = held.note.sourceID, wanted.contains(id) { found.insert(held.note.targetID) }
        }
        return found.sorted()
    }
}
