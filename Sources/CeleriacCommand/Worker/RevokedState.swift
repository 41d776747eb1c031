import Celeriac
import CeleriacCore
import CeleriacQueues
import CeleriacWire
import Logging

/// Keeps the ids of revoked tasks in a file, so that a worker knows them after a restart: Celery's `--statedb`, in JSON of
/// our own. The file is written when the worker stops, and every minute in which the ids have changed.
struct RevokedState: WorkerPart {
    let path: String
    let logger: Logger

    var observer: (any WorkerObserver)? { nil }

    /// The ids in the file; none if it does not exist.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` for a file that is not one of ours.
    func load() async throws -> [String] {
        let content = try await FileStore.blocking { [path] in try FileStore.read(path) }
        guard let content else { return [] }
        guard let value = try? WireJSON.decode(content), value["version"]?.intValue == 1,
            let ids = value["revoked"]?.arrayValue
        else {
            throw CeleriacError(
                .configuration,
                "\(path) is not a file of revoked tasks that this program wrote, and Python's is another: name another file"
            )
        }
        return ids.compactMap(\.stringValue)
    }

    func run(beside worker: WorkerControl, until stopping: Gate) async {
        var saved: [String]?
        while true {
            let isOver = await stopping.wait(atMost: .seconds(60), timers: worker.timers)
            let ids = worker.revokedIDs
            if ids != saved, await save(ids) { saved = ids }
            if isOver { return }
        }
    }

    private func save(_ ids: [String]) async -> Bool {
        do {
            let content = try WireJSON.encode(["version": 1, "revoked": .array(ids.map { .string($0) })])
            let name = path.split(separator: "/").last.map { String($0) } ?? ""
            try await FileStore.blocking { [path] in
                try FileStore.write(content, to: path, temporaryName: ".\(name).tmp")
            }
            return true
        } catch {
            logger.error("revoked tasks could not be saved", metadata: ["file": "\(path)", "error": "\(error)"])
            return false
        }
    }
}
