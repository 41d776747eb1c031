import Celeriac
import CeleriacCore
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
        renew()
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
            let timer = broker.timers.schedule(after: broker.options.pollInterval) { [alarm] in alarm.yield() }
            defer { timer.cancel() }
            await turns.next()
        }
        return []
    }

    private func claim(_ db: Database, atMost limit: Int) throws -> [Delivery] {
        var deliveries: [Delivery] = []
        let sql = String(decoding: PackageResources.claim_sql, as: UTF8.self)
        for queue in state.withLock({ $0.isStopped }) ? [] : queues where deliveries.count < limit {
            let arguments: StatementArguments = ["worker": worker, "queue": queue, "limit": limit - deliveries.count]
            deliveries += try Row.fetchAll(db, sql: sql, arguments: arguments)
                .map { row in
                    let (payload, tag) = (row.bytes("payload") ?? [], UInt64(clamping: row["id"] as Int64))
                    let receipt = Receipt(generation: 0, tag: tag)
                    return CeleryTransport.delivery(ofKombuEnvelope: payload, from: queue, receipt: receipt)
                }
                .sorted { $0.receipt.tag < $1.receipt.tag }
        }
        try db.run(PackageResources.hide_sql, ["worker": worker])
        state.withLock { $0.held.formUnion(deliveries.map(\.receipt.tag)) }
        return deliveries
    }

    func isHeld(_ receipt: Receipt) -> Bool { state.withLock { $0.held.contains(receipt.tag) } }

    /// Renews our claims and restores abandoned ones, on the database's thread: handlers may block all others.
    func renew() {
        guard !state.withLock({ $0.isClosed }) else { return }
        let timeout = broker.options.visibilityTimeout
        broker.database.queue.asyncWrite { db in
            let claims = "UPDATE celeriac_claim SET renewed = unixepoch() WHERE worker = ? RETURNING id"
            let ours = try Int64.fetchAll(db, sql: claims, arguments: [self.worker])
            self.state.withLock { $0.held.formIntersection(ours.map { UInt64(clamping: $0) }) }
            try Self.restore(db, "timeout", timeout.components.seconds)
        } completion: { _, result in
            if case .failure(let error) = result {
                self.broker.logger.warning("cannot renew claims now", metadata: ["error": "\(error)"])
            }
            _ = self.broker.timers.schedule(after: timeout / 3) { [weak self] in self?.renew() }
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
        case .requeue: try restore(db, "claim", claim)
        case .park(let fault):
            try db.run(PackageResources.park_sql, ["claim": claim, "reason": fault.reason, "detail": fault.detail])
        }
        try db.execute(sql: "DELETE FROM celeriac_claim WHERE id = ?", arguments: [claim])
    }

    /// Gives back one claim, those of a worker, or those that no worker has renewed within a timeout.
    private static func restore(_ db: Database, _ which: String, _ value: any DatabaseValueConvertible) throws {
        try db.run(PackageResources.restore_sql, ["which": which, "value": value])
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
        try await broker.database.write { try Self.restore($0, "worker", self.worker) }
    }
}
