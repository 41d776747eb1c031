import Celeriac
import CeleriacCore
import CeleryWire
import Foundation
import GRDB
import Logging

/// Kombu's queues, beside two tables of our own: what workers hold, and what they have parked.
struct SQLBroker: MessageBroker {
    let database: SQLDatabase
    let pollInterval: Duration
    let visibilityTimeout: Duration
    let timers: any TimerSource
    let logger: Logger

    var name: String { "sqla+\(database.name)" }

    static let schema = PackageResources.kombu_sql

    func publish(_ messages: [OutgoingMessage]) async throws {
        let rows = try messages.map { message in
            guard message.exchange.isEmpty else {
                throw CeleriacError(
                    .unsupported, "\(name) has no exchange \(message.exchange): send to a queue instead")
            }
            let envelope = KombuEnvelope(
                message: message.message, routingKey: message.routingKey, deliveryTag: UUID().uuidString.lowercased())
            return (queue: message.routingKey, payload: String(decoding: try envelope.encode(), as: UTF8.self))
        }
        try await database.write { db in
            for (queue, payload) in rows {
                try Self.declare(queue, db)
                try db.execute(
                    sql: """
                        INSERT INTO kombu_message (visible, timestamp, payload, version, queue_id)
                        SELECT 1, NULL, ?, 1, id FROM kombu_queue WHERE name = ?
                        """, arguments: [payload, queue])
            }
        }
    }

    static func declare(_ queue: String, _ db: Database) throws {
        try db.execute(sql: "INSERT OR IGNORE INTO kombu_queue (name) VALUES (?)", arguments: [queue])
    }

    func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
        let consumer = SQLConsumer(broker: self, options: options)
        try await database.write { db in for queue in options.queues { try Self.declare(queue.name, db) } }
        consumer.renew()
        return consumer
    }

    func depth(of queue: String) async throws -> Int {
        let count = "SELECT count(*) FROM kombu_message WHERE visible != 0 AND \(Self.ofQueue)"
        return try await database.write { try Int.fetchOne($0, sql: count, arguments: [queue]) ?? 0 }
    }

    func purge(_ queue: String) async throws -> Int {
        try await database.change("DELETE FROM kombu_message WHERE visible != 0 AND \(Self.ofQueue)", [queue])
    }

    func parkedMessages(in queue: String, after id: String?, limit: Int) async throws -> [ParkedMessage] {
        let page = "SELECT * FROM celeriac_parked WHERE \(Self.ofQueue) AND id > ? ORDER BY id LIMIT ?"
        return try await database.write { db in
            try Row.fetchAll(db, sql: page, arguments: [queue, id ?? "0", max(limit, 0)]).map { row in
                ParkedMessage(
                    id: "\(row["id"] as Int64)", queue: queue, message: row.bytes("payload") ?? [],
                    reason: row.text("reason") ?? "", detail: row.text("detail") ?? "",
                    time: Date.fromDatabaseValue(row["parked"] ?? .null), worker: row.text("worker") ?? "")
            }
        }
    }

    func requeueParked(_ ids: [String], in queue: String) async throws -> Int {
        try await removeParked(
            ids, in: queue,
            after: """
                INSERT INTO kombu_message (visible, timestamp, payload, version, queue_id)
                SELECT 1, NULL, payload, 1, queue_id FROM celeriac_parked
                """)
    }

    func dropParked(_ ids: [String], in queue: String) async throws -> Int { try await removeParked(ids, in: queue) }

    private func removeParked(_ ids: [String], in queue: String, after copying: String? = nil) async throws -> Int {
        try await database.write { db in
            try ids.reduce(0) { count, id in
                for statement in [copying, "DELETE FROM celeriac_parked"].compactMap({ $0 }) {
                    try db.execute(sql: "\(statement) WHERE \(Self.ofQueue) AND id = ?", arguments: [queue, id])
                }
                return count + db.changesCount
            }
        }
    }

    private static let ofQueue = "queue_id = (SELECT id FROM kombu_queue WHERE name = ?)"

    func close() async {}
}
