import CeleriacCore
import CeleriacTestKit
import Logging
import NIOConcurrencyHelpers
import Testing

/// Whatever is stored while a caller begins to wait, or while its subscription is away, reaches the caller.
@Suite(.timeLimit(.minutes(5))) struct SubscribeThenReadTests {
    /// A store in which things happen at the worst time.
    private final class BadTimingStore: ResultStore {
        private let memory = MemoryResultStore()
        private let sink = NIOLockedValueBox<(any ResultSink)?>(nil)
        private let events = NIOLockedValueBox<[String]>([])
        let whenWatched: @Sendable (BadTimingStore, String) async throws -> Void
        let whenFetched: @Sendable (BadTimingStore, String) async throws -> Void

        init(
            whenWatched: @escaping @Sendable (BadTimingStore, String) async throws -> Void = { _, _ in },
            whenFetched: @escaping @Sendable (BadTimingStore, String) async throws -> Void = { _, _ in }
        ) {
            self.whenWatched = whenWatched
            self.whenFetched = whenFetched
        }

        var name: String { "bad timing" }
        var replyTo: String { "" }
        var deliversOnce: Bool { false }
        var log: [String] { events.withLockedValue { $0 } }

        /// Stores a success, and notifies whoever listens.
        func succeed(_ id: String, telling: Bool) async throws {
            let payload = Array(#"{"id": "\#(id)", "state": "SUCCESS", "value": 5}"#.utf8)
            try await memory.store([ResultRecord(taskID: id, state: .success, payload: payload)])
            if telling { sink.withLockedValue { $0 }?.receive([(id, payload)]) }
        }

        func resubscribed() { sink.withLockedValue { $0 }?.updatesMayBeMissing() }

        func store(_ records: [ResultRecord]) async throws { try await memory.store(records) }

        func watch(_ taskIDs: [String], sink: any ResultSink) async throws {
            self.sink.withLockedValue { $0 = sink }
            events.withLockedValue { $0.append("watch") }
            for id in taskIDs { try await whenWatched(self, id) }
        }

        func unwatch(_ taskIDs: [String]) { events.withLockedValue { $0.append("unwatch") } }

        func fetch(_ taskIDs: [String]) async throws -> [[UInt8]?] {
            let found = try await memory.fetch(taskIDs)
            events.withLockedValue { $0.append("fetch") }
            for id in taskIDs { try await whenFetched(self, id) }
            return found
        }

        func forget(_ taskIDs: [String]) async throws { try await memory.forget(taskIDs) }
        func close() async {}
    }

    private func value(from store: BadTimingStore) async throws -> Int {
        let client = TaskClient(
            dialect: PlainDialect(), broker: MemoryBroker(), store: store,
            configuration: ClientConfiguration(defaultQueue: "q"), timers: VirtualTimers(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        return try await client.send(TaskDefinition<Int>("work")()).get()
    }

    @Test func storedAfterSubscribingAndBeforeReading() async throws {
        // Nobody is notified: the read finds it.
        let store = BadTimingStore(whenWatched: { try await $0.succeed($1, telling: false) })
        #expect(try await value(from: store) == 5)
        #expect(store.log == ["watch", "fetch", "unwatch"])
    }

    @Test func toldAfterSubscribingAndBeforeReading() async throws {
        let store = BadTimingStore(whenWatched: { try await $0.succeed($1, telling: true) })
        #expect(try await value(from: store) == 5)
    }

    @Test func storedWhileTheReadIsOnItsWayBack() async throws {
        // The read found nothing; the subscription delivers it.
        let store = BadTimingStore(whenFetched: { try await $0.succeed($1, telling: true) })
        #expect(try await value(from: store) == 5)
        #expect(store.log == ["watch", "fetch", "unwatch"])
    }

    @Test func missedWhileTheSubscriptionWasAway() async throws {
        // Only the subscription's return reveals it: the client then reads again.
        let store = BadTimingStore(whenFetched: { store, id in
            guard store.log.filter({ $0 == "fetch" }).count == 1 else { return }
            try await store.succeed(id, telling: false)
            store.resubscribed()
        })
        #expect(try await value(from: store) == 5)
        #expect(store.log == ["watch", "fetch", "fetch", "unwatch"])
    }
}
