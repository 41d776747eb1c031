import Celeriac
import CeleriacCore
import CeleryWire
import Foundation
import GRDB
import Logging

/// Kombu's queues, beside two tables of our own: what workers hold, and what they have parked.
struct SQLBroker: MessageBroker {
    let database: SQLDatabase
    let options: SQLOptions
    let timers: any TimerSource
    let logger: Logger

    init(_ context: CeleryTransport.Context) throws {
        database = try SQLDatabase(url: context.url, schema: PackageResources.kombu_sql)
        options = try SQLOptions(context.options)
        timers = EventLoopTimerSource(eventLoop: context.eventLoopGroup.next())
        logger = context.logger
    }

    var name: String { "sqla+\(database.name)" }

    func publish(_ messages: [OutgoingMessage]) async throws {
        let rows: [StatementArguments] = try messages.map { message in
            guard message.exchange.isEmpty else {
                throw CeleriacError(.unsupported, "\(name) has no exchanges: send to a queue by its name instead")
            }
            let envelope = KombuEnvelope(
                message: message.message, routingKey: message.routingKey, deliveryTag: UUID().uuidString.lowercased())
            return ["queue": message.routingKey, "payload": String(decoding: try envelope.encode(), as: UTF8.self)]
        }
        try await database.write { db in for row in rows { try db.run(PackageResources.publish_sql, row) } }
    }

    func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
        for queue in options.queues {
            try await database.execute("INSERT OR IGNORE INTO kombu_queue (name) VALUES (?)", [queue.name])
        }
        let consumer = SQLConsumer(broker: self, options: options)
        consumer.renew()
        return consumer
    }

    func close() async {}

    // MARK: Looking after queues

    private static let ofQueue = "queue_id = (SELECT id FROM kombu_queue WHERE name = ?)"

    func depth(of queue: String) async throws -> Int {
        let sql = "SELECT count(*) FROM kombu_message WHERE visible != 0 AND \(Self.ofQueue)"
        return try await database.write { try Int.fetchOne($0, sql: sql, arguments: [queue]) ?? 0 }
    }

    func purge(_ queue: String) async throws -> Int {
        try await database.execute("DELETE FROM kombu_message WHERE visible != 0 AND \(Self.ofQueue)", [queue])
    }

    func parkedMessages(in queue: String, after id: String?, limit: Int) async throws -> [ParkedMessage] {
        let sql = "SELECT * FROM celeriac_parked WHERE \(Self.ofQueue) AND id > ? ORDER BY id LIMIT ?"
        let arguments: StatementArguments = [queue, id.flatMap { Int64($0) } ?? 0, max(0, limit)]
        return try await database.write { db in
            try Row.fetchAll(db, sql: sql, arguments: arguments).map { row in
                ParkedMessage(
                    id: "\(row["id"] as Int64)", queue: queue, message: row.bytes("payload") ?? [],
                    reason: row.text("reason") ?? "", detail: row.text("detail") ?? "",
                    time: Date.fromDatabaseValue(row["parked"]), worker: row.text("worker") ?? "")
            }
        }
    }

    func requeueParked(_ ids: [String], in queue: String) async throws -> Int {
        try await database.write { db in
            try db.run(PackageResources.requeue_sql, ["queue": queue, "ids": "\(ids.compactMap { Int64($0) })"])
            return db.changesCount
        }
    }

    func dropParked(_ ids: [String], in queue: String) async throws -> Int {
        let sql = "DELETE FROM celeriac_parked WHERE \(Self.ofQueue) AND id IN (SELECT value FROM json_each(?))"
        return try await database.execute(sql, [queue, "\(ids.compactMap { Int64($0) })"])
    }
}
