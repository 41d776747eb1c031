import Celeriac
import CeleriacCore
import CeleryWire
import Foundation
import GRDB
import Synchronization

/// Claims rows as kombu does, and keeps each claim in a table until it is settled, so that it outlives the worker.
final class SQLConsumer: MessageConsumer {
    private struct State {
        var held: Set<UInt64> = []
        /// Endings that did not reach the file. They are sent once more, since their tasks have run.
        var unsettled: [Settlement] = []
        var isStopped = false
        var isClosed = false
    }

    private let broker: SQLBroker
    private let queues: [String]
    private let worker: String
    private let state = Mutex(State())
    private let (wakes, alarm) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    init(broker: SQLBroker, options: ConsumerOptions) {
        self.broker = broker
        self.queues = options.queues.map(\.name)
        self.worker = "\(options.nodeName) \(UUID().uuidString)"
    }

    func next(atMost limit: Int) async throws -> [Delivery] {
        var turns = wakes.makeAsyncIterator()
        while !state.withLock({ $0.isStopped }), !Task.isCancelled {
            do {
                let deliveries = try await broker.database.write { try self.claim($0, atMost: limit) }
                if !deliveries.isEmpty { return deliveries }
            } catch {
                broker.logger.warning("cannot ask for messages now", metadata: ["error": "\(error)"])
            }
            let timer = broker.timers.schedule(after: broker.pollInterval) { [alarm] in alarm.yield() }
            defer { timer.cancel() }
            await turns.next()
        }
        return []
    }

    /// Takes rows in kombu's order: those that were never claimed, or were given back, have no timestamp and come first.
    private func claim(_ db: Database, atMost limit: Int) throws -> [Delivery] {
        var deliveries: [Delivery] = []
        for queue in state.withLock({ $0.isStopped }) ? [] : queues where deliveries.count < limit {
            let rows = try Row.fetchAll(
                db,
                sql: """
                    INSERT OR REPLACE INTO celeriac_claim (message_id, queue_id, payload, worker, renewed)
                    SELECT m.id, m.queue_id, m.payload, ?, unixepoch() FROM kombu_message m
                    JOIN kombu_queue q ON q.id = m.queue_id WHERE q.name = ? AND m.visible != 0
                    ORDER BY m.timestamp, m.id LIMIT ? RETURNING id, payload
                    """, arguments: [worker, queue, limit - deliveries.count])
            let claims = rows.map { (tag: UInt64(clamping: $0["id"] as Int64), payload: $0.bytes("payload") ?? []) }
            deliveries += claims.sorted { $0.tag < $1.tag }.map { Self.delivery($0.payload, queue, tag: $0.tag) }
        }
        try db.execute(
            sql: """
                UPDATE kombu_message SET visible = 0, version = version + 1,
                timestamp = strftime('\(SQLDatabase.format)', 'now', 'localtime')
                WHERE visible != 0 AND id IN (SELECT message_id FROM celeriac_claim WHERE worker = ?)
                """, arguments: [worker])
        state.withLock { $0.held.formUnion(deliveries.map(\.receipt.tag)) }
        return deliveries
    }

    private static func delivery(_ payload: [UInt8], _ queue: String, tag: UInt64) -> Delivery {
        let receipt = Receipt(generation: 0, tag: tag)
        do {
            let envelope = try KombuEnvelope.decode(payload)
            return Delivery(
                content: .success(envelope.message), queue: queue, exchange: envelope.exchange,
                routingKey: envelope.routingKey, redelivered: envelope.redelivered, receipt: receipt)
        } catch {
            let fault = MessageFault(reason: "\(error.code)", detail: error.message)
            return Delivery(content: .failure(fault), queue: queue, receipt: receipt)
        }
    }

    func isHeld(_ receipt: Receipt) -> Bool { state.withLock { $0.held.contains(receipt.tag) } }

    /// Renews our claims and restores abandoned ones, on the database's thread: handlers may block all others.
    func renew() {
        guard !state.withLock({ $0.isClosed }) else { return }
        let timeout = broker.visibilityTimeout.components.seconds
        broker.database.queue.asyncWrite { db in
            let claims = "UPDATE celeriac_claim SET renewed = unixepoch() WHERE worker = ? RETURNING id"
            let ours = try Int64.fetchAll(db, sql: claims, arguments: [self.worker])
            self.state.withLock { $0.held.formIntersection(ours.map { UInt64(clamping: $0) }) }
            try Self.restore(db, where: "renewed < unixepoch() - ?", [timeout])
        } completion: { _, result in
            if case .failure(let error) = result {
                self.broker.logger.warning("cannot renew claims now", metadata: ["error": "\(error)"])
            }
            _ = self.broker.timers.schedule(after: self.broker.visibilityTimeout / 3) { [weak self] in self?.renew() }
        }
    }

    func settle(_ settlements: [Settlement]) async throws {
        let all = state.withLock { state in
            defer { state.unsettled = [] }
            return state.unsettled + settlements
        }
        do {
            try await broker.database.write { db in for settlement in all { try Self.settle(settlement, db) } }
            state.withLock { $0.held.subtract(all.map(\.receipt.tag)) }
        } catch {
            state.withLock { $0.unsettled += all }
            throw error
        }
    }

    private static func settle(_ settlement: Settlement, _ db: Database) throws {
        let claim = Int64(clamping: settlement.receipt.tag)
        switch settlement.disposition {
        case .acknowledge, .reject: break  // Kombu too leaves the invisible row.
        case .requeue: try restore(db, where: "id = ?", [claim])
        case .park(let fault):
            try db.execute(
                sql: """
                    INSERT INTO celeriac_parked (queue_id, payload, worker, reason, detail)
                    SELECT queue_id, payload, substr(worker, 1, length(worker) - 37), ?, ? FROM celeriac_claim WHERE id = ?
                    """, arguments: [fault.reason, fault.detail, claim])
        }
        try db.execute(sql: "DELETE FROM celeriac_claim WHERE id = ?", arguments: [claim])
    }

    /// Makes claimed rows visible again at their old places, marked as redelivered; remakes those that Python has purged.
    private static func restore(_ db: Database, where condition: String, _ arguments: StatementArguments) throws {
        try db.execute(
            sql: """
                INSERT INTO kombu_message (id, visible, timestamp, payload, version, queue_id)
                SELECT message_id, 1, NULL, CASE WHEN json_valid(payload)
                    THEN json_set(payload, '$.properties.delivery_info.redelivered', json('true')) ELSE payload END,
                    1, queue_id
                FROM celeriac_claim WHERE \(condition) ON CONFLICT (id) DO UPDATE
                SET visible = 1, timestamp = NULL, payload = excluded.payload, version = version + 1
                """, arguments: arguments)
        try db.execute(sql: "DELETE FROM celeriac_claim WHERE \(condition)", arguments: arguments)
    }

    func stop() async {
        state.withLock { $0.isStopped = true }
        alarm.finish()
        // Transactions run one after another: after this one no claim is under way.
        _ = try? await broker.database.write { _ in }
    }

    func close() async throws {
        await stop()
        state.withLock { $0.isClosed = true }
        try await settle([])
        try await broker.database.write { try Self.restore($0, where: "worker = ?", [self.worker]) }
    }
}
