import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import NIOConcurrencyHelpers
import Testing

@testable import CeleryDialect

/// What a receiver of events asks its broker for.
@Suite("Receiver of events") struct EventReceiverTests {
    /// A broker at which nothing happens.
    private struct QuietBroker: EventBroker {
        let asked = NIOLockedValueBox<[(exchange: String, queue: EventQueue)]>([])
        var name: String { "quiet" }

        func publish(_ messages: [OutgoingMessage]) async throws {}

        func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
            throw CeleriacError(.unsupported, "nothing is here")
        }

        func close() async {}

        func listen(
            to exchange: String, queue: EventQueue, until enough: Gate, hear: @escaping @Sendable (EventNews) -> Void
        ) async throws {
            asked.withLockedValue { $0.append((exchange: exchange, queue: queue)) }
        }
    }

    private func receiver(_ broker: QuietBroker, _ queue: EventQueue) -> CeleryEventReceiver {
        CeleryEventReceiver(
            broker: broker, exchange: "news", queue: queue, content: ControlContent(), limits: .default,
            timers: VirtualTimers())
    }

    @Test("asks for a queue of its own, as the settings describe it")
    func queue() async throws {
        let broker = QuietBroker()
        let wanted = EventQueue(
            name: "watch", lifetime: .seconds(9), expiry: nil, isExclusive: false, isDurable: true)
        for _ in 0..<2 { try await receiver(broker, wanted).listen(until: Gate()) { _ in } }
        let asked = broker.asked.withLockedValue { $0 }
        #expect(asked.map { $0.exchange } == ["news", "news"])
        #expect(Set(asked.map { $0.queue.name }).count == 2)
        for (_, queue) in asked {
            #expect(queue.name.hasPrefix("watch."))
            var unnamed = queue
            unnamed.name = wanted.name
            #expect(unnamed == wanted)
        }
    }

    @Test("refuses a queue that is both exclusive and durable, as Celery's does")
    func contradiction() async {
        let broker = QuietBroker()
        let receiver = receiver(broker, EventQueue(name: "watch", isDurable: true))
        let error = await #expect(throws: CeleriacError.self) { try await receiver.listen(until: Gate()) { _ in } }
        #expect(error?.code == .configuration)
        let wasAsked = broker.asked.withLockedValue { !$0.isEmpty }
        #expect(!wasAsked)
    }
}
