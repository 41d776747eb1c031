#if AMQP
import CeleriacAMQP
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Logging
import MachineryWire
import NIOPosix
import Testing

@testable import MachineryDialect

/// States whose queue is gone although a process has declared it.
@Suite("Machinery: states at RabbitMQ", .timeLimit(.minutes(5)))
struct AMQPResultTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func store(_ url: String, expiry: Duration = .seconds(3600)) throws -> MachineryAMQPResults {
        MachineryAMQPResults(
            [try AMQPConfiguration(url: url)], expiry: expiry,
            eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: logger)
    }

    private func client(_ url: String) throws -> AMQPClient {
        AMQPClient(
            configurations: [try AMQPConfiguration(url: url)], eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: logger)
    }

    private func store(_ state: String, of ids: [String], by store: MachineryAMQPResults) async throws {
        var records: [ResultRecord] = []
        for id in ids {
            let payload = try MachineryTaskState(taskUUID: id, state: state).encode()
            records.append(ResultRecord(taskID: id, state: TaskState(rawValue: state), payload: payload))
        }
        try await store.store(records)
    }

    private func states(of ids: [String], by store: MachineryAMQPResults) async throws -> [String?] {
        try await store.fetch(ids).map { payload in try payload.map { try MachineryTaskState.decode($0).state } }
    }

    /// Waits until there is no such queue. It asks by a message, which does not prolong the life of the queue, as a
    /// declaration would.
    private func waitForEnd(of queue: String, by client: AMQPClient) async throws {
        try await until {
            let probe = AMQPPublish(routingKey: queue, mandatory: true, message: WireMessage(body: []))
            guard case .returned? = try await client.publish([probe]).first else { return false }
            return true
        }
    }

    @Test("a state that is stored after the queue has expired can be read")
    func expired() async throws {
        let url = try await SharedServers.shared.rabbitMQVirtualHostURL()
        let (worker, sender) = (try store(url, expiry: .seconds(3)), try store(url, expiry: .seconds(3)))
        let client = try client(url)
        let ids = ["read_elsewhere", "read_here"]
        try await store("STARTED", of: ids, by: worker)
        let started = try await states(of: ids, by: sender)
        #expect(started == ["STARTED", "STARTED"])
        for id in ids { try await waitForEnd(of: id, by: client) }
        try await store("SUCCESS", of: ids, by: worker)
        let ended = try await states(of: [ids[0]], by: sender) + states(of: [ids[1]], by: worker)
        #expect(ended == ["SUCCESS", "SUCCESS"])
        await client.close()
        await sender.close()
        await worker.close()
    }

    @Test("a queue is used as it is, durable or not")
    func durable() async throws {
        let url = try await SharedServers.shared.rabbitMQVirtualHostURL()
        let (worker, client) = (try store(url), try client(url))
        // As a process declares it that knows that RabbitMQ permits no other.
        let channel = try await client.connection().openChannel(confirms: false)
        try await channel.queueDeclare(
            "kept", durable: true, autoDelete: true,
            arguments: ["x-message-ttl": .int(3_600_000), "x-expires": .int(3_600_000)])
        try await store("SUCCESS", of: ["kept", "other"], by: worker)
        let stored = try await states(of: ["kept", "other"], by: worker)
        #expect(stored == ["SUCCESS", "SUCCESS"])
        await channel.close()
        await client.close()
        await worker.close()
    }

    @Test("a queue that is gone a moment after it was declared is declared again, by readers and writers")
    func deleted() async throws {
        let url = try await SharedServers.shared.rabbitMQVirtualHostURL()
        let (worker, sender) = (try store(url), try store(url))
        let client = try client(url)
        let ids = ["a", "b", "c"]
        try await store("STARTED", of: ids, by: worker)
        let started = try await states(of: ids, by: sender)
        #expect(started == ["STARTED", "STARTED", "STARTED"])
        for _ in 0..<2 {
            try await client.connection().withChannel { channel throws(AMQPError) in
                for id in ["a", "c"] { _ = try await channel.queueDelete(id) }
            }
            let still = try await states(of: ids, by: sender)
            #expect(still == ["STARTED", "STARTED", "STARTED"])
        }
        try await client.connection().withChannel { channel throws(AMQPError) in
            for id in ["a", "c"] { _ = try await channel.queueDelete(id) }
        }
        try await store("SUCCESS", of: ids, by: worker)
        let ended = try await states(of: ids, by: sender)
        #expect(ended == ["SUCCESS", "SUCCESS", "SUCCESS"])
        await client.close()
        await sender.close()
        await worker.close()
    }
}
#endif
