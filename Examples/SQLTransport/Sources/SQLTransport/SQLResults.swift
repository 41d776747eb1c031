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
    var replyTo: String { "" }
    var deliversOnce: Bool { false }
    var expiresByItself: Bool { false }

    static let schema = PackageResources.celery_sql

    func store(_ records: [ResultRecord]) async throws {
        let rows = try records.map { try Self.row(of: CeleryResultMeta.decode($0.payload)) }
        try await database.write { db in
            // Without `result_extended` Python makes a table of fewer columns.
            let columns = try db.columns(in: "celery_taskmeta").map(\.name)
            for row in rows.map({ row in row.filter { columns.contains($0.key) } }) {
                let values = row.keys.map {
                    $0 == "date_done" ? "strftime('\(SQLDatabase.format)', :date_done)" : ":\($0)"
                }
                try db.execute(
                    sql: """
                        INSERT INTO celery_taskmeta (\(row.keys.joined(separator: ", ")))
                        VALUES (\(values.joined(separator: ", "))) ON CONFLICT (task_id) DO UPDATE
                        SET \(row.keys.map { "\($0) = excluded.\($0)" }.joined(separator: ", "))
                        WHERE status IS NOT 'SUCCESS'
                        """, arguments: StatementArguments(row))
            }
        }
    }

    private static func row(of meta: CeleryResultMeta) throws -> [String: DatabaseValue] {
        let (call, children) = (meta.extended, meta.children?.arrayValue ?? [])
        let row: [String: (any DatabaseValueConvertible)?] = [
            "task_id": meta.taskID, "status": meta.status, "result": try column(meta.result),
            "date_done": meta.dateDone, "traceback": meta.traceback,
            "children": try column(children.isEmpty ? nil : .array(children)),
            "name": call?.name, "args": try column(call?.args), "kwargs": try column(call?.kwargs),
            "worker": call?.worker, "retries": call?.retries, "queue": call?.queue,
        ]
        return row.mapValues { $0?.databaseValue ?? .null }
    }

    private static func column(_ value: WireValue?) throws -> Data? {
        try value.map { Data(try WireJSON.encode($0, style: .python, nonFinite: .allow)) }
    }

    func fetch(_ taskIDs: [String]) async throws -> [[UInt8]?] {
        try await database.write { db in
            try taskIDs.map { id in
                let found = try Row.fetchOne(
                    db, sql: "SELECT * FROM celery_taskmeta WHERE task_id = ?", arguments: [id])
                guard let row = found, let status = row.text("status") else { return nil }
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
            throw CeleriacError(
                .resultStore, "the result of \(place) is \(bytes?.first == 0x80 ? pickle : "not JSON")", cause: error)
        }
    }

    /// Nobody tells of results: they are asked for every ``pollInterval``.
    func watch(_ taskIDs: [String], sink: any ResultSink) async throws {}
    func unwatch(_ taskIDs: [String]) {}

    func forget(_ taskIDs: [String]) async throws {
        for id in taskIDs { try await database.change("DELETE FROM celery_taskmeta WHERE task_id = ?", [id]) }
    }

    /// The column has the reference alone, where other stores have `{"result": reference}`.
    func storeGroup(_ id: String, payload: [UInt8], expiry: Duration?) async throws {
        let reference = try Self.column(try CeleryResultTuple.decodeGroup(payload).encode())
        let row = "celery_tasksetmeta (taskset_id, result, date_done) VALUES (?, ?, strftime(?, 'now'))"
        try await database.change("INSERT OR REPLACE INTO \(row)", [id, reference, SQLDatabase.format])
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
        try await database.change("DELETE FROM celery_tasksetmeta WHERE taskset_id = ?", [id])
    }

    func removeResults(olderThan age: Duration) async throws {
        for table in ["celery_taskmeta", "celery_tasksetmeta"] {
            try await database.change(
                "DELETE FROM \(table) WHERE date_done < datetime('now', ?)", ["-\(age.components.seconds) seconds"])
        }
    }

    func close() async {}
}
