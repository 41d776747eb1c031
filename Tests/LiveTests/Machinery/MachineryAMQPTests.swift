#if AMQP && Redis
import Celeriac
import CeleriacWire
import MachineryWire
import CeleriacAMQP
import CeleriacRedis
import CeleriacTestKit
import Foundation
import Logging
import NIOPosix
import Testing

@Suite("Machinery on RabbitMQ", .timeLimit(.minutes(5)))
struct MachineryAMQPTests {
    private func client(_ url: String) throws -> AMQPClient {
        AMQPClient(
            configurations: [try AMQPConfiguration(url: url)], eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: MachineryBench.logger)
    }

    private func publish(
        _ bodies: [[UInt8]], by client: AMQPClient, exchange: String = "machinery_exchange",
        key: String = "machinery_task"
    ) async throws {
        let outcomes = try await client.publish(
            bodies.map { body in
                AMQPPublish(
                    exchange: exchange, routingKey: key, mandatory: true,
                    message: WireMessage(
                        properties: MessageProperties(contentType: "application/json", deliveryMode: 2), body: body),
                    omitsEmptyHeaders: true)
            })
        for outcome in outcomes { if let error = outcome.error { throw error } }
    }

    private func depth(of queue: String, by client: AMQPClient) async throws -> Int {
        let channel = try await client.connection().openChannel(confirms: false)
        let depth = try await channel.queueDeclare(queue, passive: true).messageCount
        await channel.close()
        return depth
    }

    /// Takes all messages from a queue.
    private func take(_ queue: String, by client: AMQPClient) async throws -> [AMQPDelivery] {
        let channel = try await client.connection().openChannel(confirms: false)
        var deliveries: [AMQPDelivery] = []
        while let delivery = try await channel.get(queue: queue, noAck: true) { deliveries.append(delivery) }
        await channel.close()
        return deliveries
    }

    // MARK: The captures

    static let replayed = [
        "amqp-01-add", "amqp-04-headers", "amqp-04c-tracing", "amqp-06-retry", "amqp-06b-retry-later-once",
        "amqp-07-chain", "amqp-08-group", "amqp-09-chord", "amqp-12-fail-onerror", "amqp-13-panic",
        "amqp-14b-unregistered-ignore", "amqp-15-bad-args",
    ]

    @Test(arguments: replayed)
    func theWorkerLeavesWhatGoLeft(_ name: String) async throws {
        let recorded = try RecordedCase(name)
        let url = try await SharedServers.shared.rabbitMQVirtualHostURL()
        let bench = try await MachineryBench(broker: url, amqp: MachineryAMQPOptions())
        let client = try client(url)
        for (key, value) in recorded.stored {
            _ = try await bench.redis.send(RedisCommand("SET", key, value, "EX", 3600))
        }
        #expect(!recorded.published.isEmpty)
        let wanted = RecordedCase.normalized(recorded.left)
        let found = try await bench.run {
            try await self.publish(recorded.published.map { Array($0.utf8) }, by: client)
            // What the worker ignores changes nothing that could be waited for, but it must have been taken.
            try await until { try await self.depth(of: "machinery_tasks", by: client) == 0 }
            return try await look(for: wanted, atMost: .seconds(20)) {
                RecordedCase.normalized(try await bench.content())
            }
        }
        #expect(found == wanted)
        #expect(try await take("machinery_tasks", by: client).isEmpty)
        await client.close()
        await bench.close()
    }

    /// Tests that a Swift producer publishes what the Go producer published, to the same place.
    @Test(arguments: ["amqp-01b-add-unconsumed", "amqp-03-routing-key", "amqp-02-priority"])
    func producersPublishWhatGoPublished(_ name: String) async throws {
        let document = try WireJSON.decode(
            [UInt8](Data(contentsOf: RecordedCase.folder.appending(path: "\(name).json"))))
        let published = try #require(
            document["wire"]?.arrayValue?.first { $0["method"] == "basic.publish" && $0["body"] != nil })
        let url = try await SharedServers.shared.rabbitMQVirtualHostURL()
        var options = MachineryAMQPOptions(declaresPublisherQueue: name.contains("01b"))
        if name.contains("priority") { options.queueDeclareArguments = ["x-max-priority": 10] }
        let bench = try await MachineryBench(broker: url, amqp: options)
        let client = try client(url)
        let key = try #require(published["args"]?["routing_key"]?.stringValue)
        try await bench.server.send(
            MachineryTasks.add([1, 2]), priority: name.contains("priority") ? 7 : nil,
            queue: key == "machinery_task" ? nil : key)
        let queue = key == "machinery_task" ? "machinery_tasks" : key
        let delivery = try #require(try await take(queue, by: client).first)
        #expect(delivery.exchange == published["args"]?["exchange"]?.stringValue)
        #expect(delivery.routingKey == key)
        #expect(delivery.message.headers.isEmpty)
        #expect(delivery.message.properties.contentType == published["properties"]?["content_type"]?.stringValue)
        #expect(
            delivery.message.properties.deliveryMode.map { Int($0) }
                == published["properties"]?["delivery_mode"]?.intValue)
        #expect(delivery.message.properties.priority.map { Int($0) } == published["properties"]?["priority"]?.intValue)
        #expect(
            RecordedCase.normalized(String(decoding: delivery.message.body, as: UTF8.self))
                == RecordedCase.normalized(published["body"]?.stringValue ?? ""))
        // A declaration with Go's arguments is refused if ours differ.
        let channel = try await client.connection().openChannel(confirms: false)
        for call in document["wire"]?.arrayValue ?? [] where call["method"] == "queue.declare" {
            let name = try #require(call["args"]?["queue"]?.stringValue)
            var arguments: WireObject = [:]
            for (key, value) in call["args"]?["arguments"]?.objectValue ?? [:] { arguments[key] = value["value"] }
            try await channel.queueDeclare(name, durable: true, arguments: arguments)
        }
        try await channel.exchangeDeclare("machinery_exchange", type: "direct", durable: true)
        await client.close()
        await bench.close()
    }

    @Test func otherTypesOfExchanges() async throws {
        let url = try await SharedServers.shared.rabbitMQVirtualHostURL()
        let options = MachineryAMQPOptions(exchange: "mtopic", exchangeType: "topic", bindingKey: "machinery_tasks")
        let bench = try await MachineryBench(broker: url, amqp: options)
        try await bench.run {
            let sum = try await bench.server.send(MachineryTasks.add([1, 2]))
            let three = try await sum.get(timeout: .seconds(120))
            #expect(three == 3)
            let later = try await bench.server.send(MachineryTasks.add([2, 2]), countdown: .milliseconds(250))
            let four = try await later.get(timeout: .seconds(120))
            #expect(four == 4)
        }
        await bench.close()
    }

    @Test func theQueueThatNobodyConsumesIsNotDeclaredUnlessAskedFor() async throws {
        let url = try await SharedServers.shared.rabbitMQVirtualHostURL()
        let bench = try await MachineryBench(broker: url, amqp: MachineryAMQPOptions())
        let client = try client(url)
        try await bench.server.send(MachineryTasks.add([1, 2]))
        let channel = try await client.connection().openChannel(confirms: false)
        #expect(try await channel.queueDeclare("machinery_tasks", passive: true).messageCount == 1)
        await #expect { try await channel.queueDeclare("machinery_task", passive: true) } throws: {
            ($0 as? AMQPError)?.replyCode == 404
        }
        await client.close()
        await bench.close()
    }

    // MARK: Delays

    @Test func delayedTasksWaitInQueuesAsGoMakesThem() async throws {
        let url = try await SharedServers.shared.rabbitMQVirtualHostURL()
        let bench = try await MachineryBench(broker: url, amqp: MachineryAMQPOptions())
        try await bench.run {
            let soon = try await bench.server.send(MachineryTasks.add([1, 2]), countdown: .milliseconds(300))
            let results = try await soon.get(timeout: .seconds(120))
            #expect(results == 3)
        }
        await bench.close()
        let other = try await MachineryBench(broker: url, amqp: MachineryAMQPOptions(delayedQueue: "my_delay"))
        try await other.run {
            let soon = try await other.server.send(MachineryTasks.add([1, 2]), countdown: .milliseconds(300))
            let results = try await soon.get(timeout: .seconds(120))
            #expect(results == 3)
        }
        // Two routing keys cannot share one delay queue, and some delays exceed the time for which the server keeps a
        // queue.
        await #expect {
            try await other.server.send(MachineryTasks.add([1]), countdown: .seconds(60), queue: "q2")
        } throws: {
            ($0 as? CeleriacError)?.code == .publishFailed
        }
        await other.close()
    }

    // MARK: Bad messages

    @Test func badMessagesAreParkedAndTheNextTaskRuns() async throws {
        let url = try await SharedServers.shared.rabbitMQVirtualHostURL()
        let bench = try await MachineryBench(broker: url, amqp: MachineryAMQPOptions(), unregisteredAttempts: 3)
        let client = try client(url)
        // These messages stopped Go workers, in the form in which they were delivered.
        let unknown = try #require(try RecordedCase("amqp-14-unregistered").published.first)
        let malformed = try RecordedCase("amqp-16-malformed-json").delivered
        let empty = try RecordedCase("amqp-16b-empty-body").delivered
        let numberHeader = try #require(try RecordedCase("amqp-17-retry-with-number-header").delivered.first)
        let retried = try MachinerySignature.decode(Array(numberHeader.utf8))
        #expect(malformed.count == 1 && empty == [""] && retried.headers?["n"] != nil && retried.retryCount > 0)
        let bad = (malformed + empty + [#"{"UUID":5}"#, #"{"UUID":"task_eta","ETA":"soon"}"#, unknown]).map {
            Array($0.utf8)
        }
        try await bench.run {
            try await self.publish(bad + [Array(numberHeader.utf8)], by: client)
            let sum = try await bench.server.send(MachineryTasks.add([20, 22]))
            let result = try await sum.get(timeout: .seconds(120))
            #expect(result == 42)
            // Only the body contains a header with a number, so the retry is not lost.
            let ended = try await bench.ended(retried.uuid)
            #expect(ended.state == "FAILURE" && retried.args?.first?.value == .string(ended.error))
            // Its id can be read, so its caller need not wait for ever.
            let refused = try await bench.ended("task_eta")
            #expect(refused.state == "FAILURE" && refused.error.contains("ETA of the signature"))
            let channel = try await client.connection().openChannel(confirms: false)
            try await channel.queueDeclare("machinery_tasks.parked", durable: true)
            try await until {
                try await channel.queueDeclare("machinery_tasks.parked", passive: true).messageCount == bad.count
            }
        }
        let parked = try await take("machinery_tasks.parked", by: client)
        #expect(Set(parked.map(\.message.body)) == Set(bad))
        #expect(
            Set(parked.compactMap { $0.message.headers["x-celeriac-reason"]?.stringValue })
                == ["malformedJSON", "emptyBody", "invalidField", "unregistered"])
        await client.close()
        await bench.close()
    }

    // MARK: Results at RabbitMQ

    @Test func theWalkthroughRunsWithResultsAtRabbitMQ() async throws {
        let url = try await SharedServers.shared.rabbitMQVirtualHostURL()
        let bench = try await MachineryBench(broker: url, backend: url, amqp: MachineryAMQPOptions())
        let server = bench.server
        @Sendable func add(_ numbers: Int...) throws -> MachinerySignature {
            try server.signature(MachineryTasks.add(Variadic(numbers)))
        }
        try await bench.run {
            let sum = try await server.send(MachineryTasks.add([1, 2]))
            let three = try await sum.get(timeout: .seconds(120), every: .milliseconds(5))
            #expect(three == 3)
            // Each state can be read only once, and the reader remembers it.
            for _ in 0..<3 {
                let status = try await sum.status()
                #expect(status == .success)
            }
            let failing = try await server.send(MachineryTasks.failTask("boom"))
            await #expect { try await failing.get(timeout: .seconds(120)) } throws: {
                ($0 as? RemoteTaskError)?.message == "boom"
            }
            let group = try await server.send(MachineryGroup([add(1, 1), add(2, 2), add(5, 6)]))
            let sums = try await group.get(timeout: .seconds(120))
            #expect(sums == [2, 4, 11])
            let chain = try await server.send(MachineryChain([add(1, 1), add(5, 5)]))
            let links = try await chain.get(timeout: .seconds(120))
            #expect(links == [2, 12])
            for _ in 0..<5 {
                let callback = try server.signature(MachineryTasks.multiply([2]))
                let chord = try await server.send(
                    MachineryChord(MachineryGroup([add(1, 1), add(2, 3)]), callback: callback))
                let product = try await chord.get(timeout: .seconds(120))
                #expect(product == 20)
            }
        }
        await bench.close()
    }

    @Test func statesAreLeftAsGoLeavesThem() async throws {
        let recorded = try WireJSON.decode(
            [UInt8](Data(contentsOf: RecordedCase.folder.appending(path: "amqpbackend-01-add.json"))))
        let url = try await SharedServers.shared.rabbitMQVirtualHostURL()
        let bench = try await MachineryBench(broker: url, backend: url, amqp: MachineryAMQPOptions())
        let client = try client(url)
        let sum = try await bench.server.send(MachineryTasks.add([1, 2]))
        let states = try await bench.run {
            let channel = try await client.connection().openChannel(confirms: false)
            let queue = MachineryAMQPOptionsTestView.arguments
            try await until {
                try await channel.queueDeclare(sum.id, durable: false, autoDelete: true, arguments: queue).messageCount
                    == 4
            }
            return try await self.take(sum.id, by: client).map {
                RecordedCase.normalized(String(decoding: $0.message.body, as: UTF8.self))
            }
        }
        let bodies = (recorded["wire"]?.arrayValue ?? []).filter { $0["method"] == "basic.publish" }.compactMap {
            $0["body"]?.stringValue
        }.filter { $0.contains("TaskUUID") }.map { RecordedCase.normalized($0) }
        #expect(states == bodies)
        #expect(bodies.count == 4)
        await client.close()
        await bench.close()
    }
}

/// The arguments of a task's queue, as Go's backend declares it.
private enum MachineryAMQPOptionsTestView {
    static let arguments: WireObject = ["x-message-ttl": 3_600_000, "x-expires": 3_600_000]
}
#endif
