import CeleriacCore
import CeleriacWire
import Testing

@Suite("A broker in memory", .timeLimit(.minutes(5)))
struct MemoryBrokerTests {
    private let broker = MemoryBroker()

    private func publish(_ bodies: String..., to queue: String = "q") async throws {
        try await broker.publish(
            bodies.map { OutgoingMessage(message: WireMessage(body: Array($0.utf8)), routingKey: queue) })
    }

    private func consume(_ queues: TaskQueue...) async throws -> any MessageConsumer {
        try await broker.consume(ConsumerOptions(queues: queues, prefetch: 10, nodeName: "w@h"))
    }

    private func bodies(_ deliveries: [Delivery]) throws -> [String] {
        try deliveries.map { String(decoding: try $0.content.get().body, as: UTF8.self) }
    }

    @Test("gives back in the order in which messages came, in front of the others")
    func giveBack() async throws {
        try await publish("1", "2", "3", "4")
        let consumer = try await consume("q")
        let taken = try await consumer.next(atMost: 3)
        try await consumer.giveBack([taken[2].receipt, taken[0].receipt])
        try await publish("5")
        let again = try await consumer.next(atMost: 10)
        #expect(try bodies(again) == ["1", "3", "4", "5"])
        #expect(again.map(\.redelivered) == [true, true, false, false])
        // What is still held comes back at the end.
        try await consumer.close()
        #expect(try await broker.depth(of: "q") == 5)
    }

    @Test("a consumer that waits takes up a queue, and gives one up")
    func changesQueues() async throws {
        let consumer = try await consume("q")
        async let deliveries = consumer.next(atMost: 10)
        try await publish("1", to: "other")
        try await consumer.addQueue("other")
        #expect(try await deliveries.map(\.queue) == ["other"])
        try await consumer.removeQueue("q")
        try await publish("2")
        try await publish("3", to: "other")
        #expect(try await consumer.next(atMost: 10).map(\.queue) == ["other"])
        try await consumer.close()
        #expect(try await broker.depth(of: "q") == 1)
        #expect(try await broker.depth(of: "other") == 2)
    }

    @Test("parked messages are listed page by page, put back, and dropped")
    func parked() async throws {
        try await publish("1", "2", "3")
        let consumer = try await consume("q")
        let fault = MessageFault(reason: "bad", detail: "it is bad")
        try await consumer.settle(try await consumer.next(atMost: 3).map { Settlement($0.receipt, .park(fault)) })
        let first = try await broker.parkedMessages(in: "q", after: nil, limit: 2)
        let second = try await broker.parkedMessages(in: "q", after: first.last?.id, limit: 2)
        #expect((first + second).map { String(decoding: $0.message, as: UTF8.self) } == ["1", "2", "3"])
        #expect(first.allSatisfy { $0.reason == "bad" && $0.detail == "it is bad" && $0.worker == "w@h" })
        #expect(try await broker.requeueParked([first[0].id, "none"], in: "q") == 1)
        #expect(try await broker.requeueParked([first[0].id], in: "q") == 0)
        #expect(try await broker.dropParked(second.map(\.id), in: "q") == 1)
        #expect(try await broker.parkedMessages(in: "q", after: nil, limit: 9) == [first[1]])
        #expect(try await broker.purge("q") == 1)
        #expect(try await broker.depth(of: "q") == 0)
    }
}
