import CeleriacCore
import CeleriacWire
import CeleryDialect

import struct FoundationEssentials.Date

/// The revocations that bridges note in a queue at a target's broker, so that one that begins knows those that came before,
/// whatever has become of who heard them.
///
/// Nobody holds these notes: who begins reads them and gives them back, for a broker keeps what a killed process held until
/// it is sure that it is gone.
struct RevocationNotes: Sendable {
    /// How long a note counts, as long as Celery's workers remember a revocation.
    private static let lifetime = RevocationLimits().lifetime
    /// How many notes are kept. Past that the oldest are dropped.
    private static let limit = 10_000
    /// How many notes are read at once.
    private static let portion = 60_000

    private let queue: String
    private let broker: any MessageBroker
    private let nodeName: String
    private let timers: any TimerSource

    /// The notes at one side of a route.
    init(at end: BridgeEnd, of route: BridgeRoute, nodeName: String) {
        queue = "celeriac.revoked.\(route.bridge)"
        broker = end.notes
        self.nodeName = nodeName
        timers = end.client.timers
    }

    /// Notes that tasks were revoked.
    ///
    /// - Throws: the broker's error.
    func add(_ ids: [String]) async throws {
        let value: WireValue = [
            "version": 1, "revoked": .array(ids.map { .string($0) }),
            "since": .double(timers.now.timeIntervalSince1970),
        ]
        let properties = MessageProperties(
            contentType: "application/json", contentEncoding: "utf-8", deliveryMode: 2)
        let message = WireMessage(properties: properties, body: try WireJSON.encode(value))
        try await broker.publish([OutgoingMessage(message: message, routingKey: queue, declaredQueue: queue)])
    }

    /// Reads what is noted, and drops what counts no more. It takes little longer than a second.
    ///
    /// - Returns: the ids of revoked tasks, the oldest first.
    /// - Throws: the broker's error.
    func read() async throws -> [String] {
        let count = min(try await broker.depth(of: queue), Self.portion)
        if count == 0 { return [] }
        let consumer = try await broker.consume(
            ConsumerOptions(queues: [TaskQueue(queue)], prefetch: count, nodeName: nodeName))
        var ids: [String] = []
        var failure: (any Error)?
        do {
            let sorted = Self.sorted(try await take(count, from: consumer), now: timers.now)
            await consumer.stop()
            if !sorted.ended.isEmpty { try await consumer.settle(sorted.ended.map { Settlement($0, .acknowledge) }) }
            try await consumer.giveBack(sorted.kept)
            ids = sorted.ids
        } catch {
            await consumer.stop()
            failure = error
        }
        try await consumer.close()
        if let failure { throw failure }
        return ids
    }

    private func take(_ count: Int, from consumer: any MessageConsumer) async throws -> [Delivery] {
        try await withThrowingTaskGroup(of: Void.self) { group in
            // Another bridge may have taken some of them meanwhile.
            group.addTask { [timers] in
                try await timers.sleep(for: Mingling.bound)
                await consumer.stop()
            }
            defer { group.cancelAll() }
            var taken: [Delivery] = []
            while taken.count < count {
                let deliveries = try await consumer.next(atMost: count - taken.count)
                if deliveries.isEmpty { break }
                taken += deliveries
            }
            return taken
        }
    }

    /// Tells notes that count from those that are too old or too many, say nothing that a later one does not, or cannot be
    /// read.
    ///
    /// - Returns: the ids, the oldest first, and the notes to keep and to end.
    static func sorted(
        _ deliveries: [Delivery], now: Date
    ) -> (ids: [String], kept: [Receipt], ended: [Receipt]) {
        var known: Set<String> = []
        var (ids, kept, ended): ([String], [Receipt], [Receipt]) = ([], [], [])
        for delivery in deliveries.reversed() {
            let new = Self.ids(in: delivery, now: now).filter { known.insert($0).inserted }
            if new.isEmpty || kept.count >= limit {
                ended.append(delivery.receipt)
            } else {
                kept.append(delivery.receipt)
                ids += new.reversed()
            }
        }
        return (ids.reversed(), kept.reversed(), ended)
    }

    private static func ids(in delivery: Delivery, now: Date) -> [String] {
        guard case .success(let message) = delivery.content, let value = try? WireJSON.decode(message.body),
            value["version"] == 1, let since = value["since"]?.doubleValue,
            now.timeIntervalSince1970 - since < lifetime.seconds
        else { return [] }
        return value["revoked"]?.arrayValue?.compactMap(\.stringValue) ?? []
    }
}
