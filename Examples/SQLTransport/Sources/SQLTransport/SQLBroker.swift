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
        try await database.write { db in for queue in options.queues { try Self.declare(queue, db) } }
        consumer.renew()
        return consumer
    }

    func close() async {}
}
