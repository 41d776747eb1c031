import Celeriac
import CeleriacCore
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
        let rows = try messages.map { message -> StatementArguments in
            let payload = try CeleryTransport.kombuEnvelope(of: message)
            return ["queue": message.routingKey, "payload": String(decoding: payload, as: UTF8.self)]
        }
        try await database.write { db in for row in rows { try db.run(PackageResources.publish_sql, row) } }
    }

    func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
        for queue in options.queues {
            try await database.execute("INSERT OR IGNORE INTO kombu_queue (name) VALUES (?)", [queue.name])
        }
        return SQLConsumer(broker: self, options: options)
    }

    private static let ofQueue = "queue_id = (SELECT id FROM kombu_queue WHERE name = ?)"

    func depth(of queue: String) async throws -> Int {
        let sql = "SELECT count(*) FROM kombu_message WHERE visible != 0 AND \(Self.ofQueue)"
        return try await database.write { try Int.fetchOne($0, sql: sql, arguments: [queue]) ?? 0 }
    }

    func purge(_ queue: String) async throws -> Int {
        try await database.execute("DELETE FROM kombu_message WHERE visible != 0 AND \(Self.ofQueue)", [queue])
    }
}
