import CeleriacCore
import Logging
import NIOConcurrencyHelpers

extension Bridge {
    /// Revokes tasks of the sources: those whose messages have not come must not go on, and workers of Celery targets are told
    /// of those that have gone. Machinery has no way to revoke.
    func revoke(_ ids: [String], terminate: Bool, signal: String?) async {
        for id in ids { revoked.insert(id) }
        // Who terminates what was only revoked before says something new.
        let new = ids.filter { passedOn.insert(terminate ? "terminate \($0)" : $0) }
        if new.isEmpty { return }
        for run in runs where run.target.kind == .celery {
            do {
                try await run.target.client.revoke(run.targetIDs(of: new), terminate: terminate, signal: signal)
            } catch {
                logger.warning(
                    "a bridge could not pass on a revocation",
                    metadata: ["route": "\(run.route.name)", "error": "\(error)"])
            }
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
