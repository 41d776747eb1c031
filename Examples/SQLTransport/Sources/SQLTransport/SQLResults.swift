import Celeriac
import CeleriacCore
import CeleriacWire
import CeleryWire
import Foundation
import GRDB

/// Results as Celery's database result store keeps them: a row a task, with JSON in the columns of values.
struct SQLResults: ResultStore {
    let database: SQLDatabase
    let pollInterval: Duration?

    var name: String { "db+\(database.name)" }
    var expiresByItself: Bool { false }

    init(_ context: CeleryTransport.Context) throws {
        database = try SQLDatabase(url: context.url, schema: PackageResources.celery_sql)
        pollInterval = try SQLOptions(context.options).pollInterval
    }

    func store(_ records: [ResultRecord]) async throws {
        let metas = try records.map { try CeleryResultMeta.decode($0.payload) }
        try await database.write { db in
            // Without `result_extended` Python makes a table of fewer columns.
            let columns = Set(try db.columns(in: "celery_taskmeta").map(\.name))
            for meta in metas {
                let row = try Self.row(of: meta).filter { columns.contains($0.key) }
                // SQLAlchemy's form of a date.
                let changes = row.keys.map {
                    $0 == "date_done" ? "\($0) = strftime('%Y-%m-%d %H:%M:%f000', :\($0))" : "\($0) = :\($0)"
                }
                let sql = """
                    INSERT OR IGNORE INTO celery_taskmeta (task_id) VALUES (:task_id);
                    UPDATE celery_taskmeta SET \(changes.joined(separator: ", "))
                    WHERE task_id = :task_id AND status IS NOT 'SUCCESS'
                    """
                try db.execute(sql: sql, arguments: StatementArguments(row))
            }
        }
    }

    private static func row(of meta: CeleryResultMeta) throws -> [String: (any DatabaseValueConvertible)?] {
        let (call, children) = (meta.extended, meta.children?.arrayValue ?? [])
        return [
            "task_id": meta.taskID, "status": meta.status, "result": try column(meta.result),
            "date_done": meta.dateDone, "traceback": meta.traceback,
            "children": try column(children.isEmpty ? nil : .array(children)),
            "name": call?.name, "args": try column(call?.args), "kwargs": try column(call?.kwargs),
            "worker": call?.worker, "retries": call?.retries, "queue": call?.queue,
        ]
    }

    private static func column(_ value: WireValue?) throws -> Data? {
        try value.map { Data(try WireJSON.encode($0, style: .python, nonFinite: .allow)) }
    }

    func fetch(_ taskIDs: [String]) async throws -> [[UInt8]?] {
        try await database.write { db in
            try taskIDs.map { id in
                let sql = "SELECT * FROM celery_taskmeta WHERE task_id = ?"
                guard let row = try Row.fetchOne(db, sql: sql, arguments: [id]), let status = row.text("status")
                else { return nil }
                let result = try Self.value(row.bytes("result"), of: "the task \(id) in celery_taskmeta")
                return try CeleryResultMeta(
                    status: status, result: result, traceback: row.text("traceback"),
                    children: row.bytes("children").flatMap { try? WireJSON.decode($0) },
                    dateDone: row.text("date_done"), taskID: id
                ).encode(nonFinite: .allow)
            }
        }
    }

    /// Reads a `result` column.
    private static func value(_ bytes: [UInt8]?, of place: String) throws -> WireValue {
        do {
            return try bytes.map { try WireJSON.decode($0) } ?? .null
        } catch {
            let pickle = "a Python pickle, which is never read: let Python's side have Celery 5.7, and JSON results"
            let form = bytes?.first == 0x80 ? pickle : "not JSON"
            throw CeleriacError(.resultStore, "the result of \(place) is \(form)", cause: error)
        }
    }

    func forget(_ taskIDs: [String]) async throws {
        for id in taskIDs { try await database.execute("DELETE FROM celery_taskmeta WHERE task_id = ?", [id]) }
    }

    /// The column has the reference alone, where other stores have `{"result": reference}`.
    func storeGroup(_ id: String, payload: [UInt8], expiry: Duration?) async throws {
        let reference = try Self.column(try CeleryResultTuple.decodeGroup(payload).encode())
        let row = "(taskset_id, result, date_done) VALUES (?, ?, strftime('%Y-%m-%d %H:%M:%f000', 'now'))"
        try await database.execute("INSERT OR REPLACE INTO celery_tasksetmeta \(row)", [id, reference])
    }

    func fetchGroup(_ id: String) async throws -> [UInt8]? {
        try await database.write { db in
            let sql = "SELECT result FROM celery_tasksetmeta WHERE taskset_id = ?"
            guard let row = try Row.fetchOne(db, sql: sql, arguments: [id]) else { return nil }
            let value = try Self.value(row.bytes("result"), of: "the group \(id) in celery_tasksetmeta")
            return try CeleryResultTuple.decode(value).encodeGroup()
        }
    }

    func forgetGroup(_ id: String) async throws {
        try await database.execute("DELETE FROM celery_tasksetmeta WHERE taskset_id = ?", [id])
    }

    func removeResults(olderThan age: Duration) async throws {
        for table in ["celery_taskmeta", "celery_tasksetmeta"] {
            let sql = "DELETE FROM \(table) WHERE date_done < datetime('now', ?)"
            try await database.execute(sql, ["-\(age.components.seconds) seconds"])
        }
    }
}
