#if AMQP && Redis
import Celeriac
import CeleriacWire
import MachineryWire
import CeleriacTestKit
import Foundation
import Testing

/// Tests that Celeriac sends RabbitMQ what Go sent in the same case: the arguments of every method and the properties
/// of every message. Ids, times and the differences listed here are exempt.
@Suite("Machinery on RabbitMQ: the same methods as Go", .timeLimit(.minutes(5)))
struct MachineryAMQPMethodTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let capture: String
        var options = MachineryAMQPOptions(declaresPublisherQueue: true)
        var hasWorker = true
        /// Whether RabbitMQ also stores the results.
        var hasResults = false
        var send: @Sendable (MachineryServer) async throws -> AsyncResult<WireValue>

        var testDescription: String { capture }
    }

    static let cases = [
        Case(capture: "amqp-01-add") { try await $0.send(sum($0)) },
        Case(
            capture: "amqp-02-priority",
            options: MachineryAMQPOptions(queueDeclareArguments: ["x-max-priority": 10], declaresPublisherQueue: true)
        ) { server in
            var task = try sum(server)
            task.priority = 7
            return try await server.send(task)
        },
        Case(capture: "amqp-03-routing-key", hasWorker: false) { server in
            var task = try sum(server)
            task.routingKey = "other_q"
            return try await server.send(task)
        },
        Case(
            capture: "amqp-03b-topic-exchange",
            options: MachineryAMQPOptions(exchange: "mtopic", exchangeType: "topic", bindingKey: "machinery_tasks")
        ) { try await $0.send(sum($0)) },
        Case(capture: "amqp-04-headers") { server in
            var task = try sum(server)
            task.headers = ["k": "v", "b": true, "nil": .null]
            return try await server.send(task)
        },
        Case(capture: "amqp-05-delayed-unconsumed", hasWorker: false) { server in
            let sent = try await server.send(MachineryTasks.add([1, 2]), countdown: .seconds(60))
            return server.result(sent.id)
        },
        Case(
            capture: "amqp-05c-delayed-queue",
            options: MachineryAMQPOptions(delayedQueue: "my_delay", declaresPublisherQueue: true)
        ) { server in
            let sent = try await server.send(MachineryTasks.add([1, 2]), countdown: .milliseconds(500))
            return server.result(sent.id)
        },
        Case(capture: "amqp-06-retry") { server in
            var task = try server.signature(TaskDefinition<String, Void>("retry_task")("no"))
            task.retryCount = 2
            return try await server.send(task)
        },
        Case(capture: "amqpbackend-01-add", hasResults: true) { try await $0.send(sum($0)) },
    ]

    private static func sum(_ server: MachineryServer) throws -> MachinerySignature {
        try server.signature(MachineryTasks.add([1, 2]))
    }

    /// Methods that Celeriac sends and Go did not, with the reason.
    private static let more: [(method: String, text: String, reason: String, captures: Set<String>)] = [
        (
            "queue.", #""queue":"machinery_task"#, "the target queue of a delayed message must exist in time",
            ["amqp-05-delayed-unconsumed", "amqp-05c-delayed-queue"]
        ),
        (
            "queue.declare", #""passive":true,"queue":"machinery_tasks.redelivered"#,
            "a worker whose results are not in Redis looks whether messages have come back", ["amqpbackend-01-add"]
        ),
        (
            "basic.get", #""queue":"machinery_tasks.parked"#,
            "a worker looks for parked messages whose failures no worker could store",
            [
                "amqp-01-add", "amqp-02-priority", "amqp-03b-topic-exchange", "amqp-04-headers",
                "amqp-05c-delayed-queue", "amqp-06-retry",
            ]
        ),
    ]
    /// Methods that Go sent and Celeriac does not, with the reason.
    private static let less: [(method: String, text: String, reason: String, captures: Set<String>)] = [
        (
            "basic.get", "", "states are consumed as they arrive, rather than fetched one by one",
            ["amqpbackend-01-add"]
        )
    ]

    @Test(arguments: cases) func methodsAreThoseOfGo(_ example: Case) async throws {
        let server = try await SharedServers.shared.rabbitMQVirtualHostURL()
        let (proxy, url) = try await RecordingProxy.start(before: server)
        let bench = try await MachineryBench(
            broker: url, backend: example.hasResults ? url : nil, amqp: example.options)
        if example.hasWorker {
            let worker = bench.server.worker(consumerTag: "mlive_worker") { MachineryTasks.all }
            try await bench.run(worker) {
                let result = try await example.send(bench.server)
                _ = try? await result.get(timeout: .seconds(30))
            }
        } else {
            _ = try await example.send(bench.server)
        }
        await bench.close()
        try await proxy.stop()

        let found = Set(try proxy.sent.flatMap { try SentMethod.sent($0) }.map { normalized($0) })
        let document = try WireJSON.decode(
            [UInt8](Data(contentsOf: RecordedCase.folder.appending(path: "\(example.capture).json"))))
        let wanted = Set(SentMethod.captured(document).map { normalized($0) }).filter { method in
            ["exchange.", "queue.", "basic.", "confirm."].contains { method.name.hasPrefix($0) }
        }
        func isNamed(
            _ method: SentMethod, in list: [(method: String, text: String, reason: String, captures: Set<String>)]
        ) -> Bool {
            list.contains {
                $0.captures.contains(example.capture) && method.name.hasPrefix($0.method)
                    && ($0.text.isEmpty || method.arguments.contains($0.text))
            }
        }
        #expect(found.subtracting(wanted).filter { !isNamed($0, in: Self.more) } == [])
        #expect(wanted.subtracting(found).filter { !isNamed($0, in: Self.less) } == [])
        #expect(wanted.count > 4)
    }

    /// The method without ids and times, and without two differences that Celeriac always has: it asks RabbitMQ to
    /// return messages that reach no queue, so that none is lost, and it writes integers that fit 32 bits with 32 bits.
    /// RabbitMQ compares their values.
    private func normalized(_ method: SentMethod) -> SentMethod {
        var method = method
        method.arguments = method.arguments
            .replacing(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/, with: "ID")
            .replacing(/delay\.\d+\./, with: "delay.N.")
            .replacing(/"delivery_tag":\d+/, with: #""delivery_tag":0"#)
            .replacing(#""mandatory":true"#, with: #""mandatory":false"#)
            .replacing(#""type":"l""#, with: #""type":"I""#)
        if method.arguments.contains("delay.N.") {
            method.arguments = method.arguments.replacing(/"value":\d+/, with: #""value":0"#)
        }
        method.properties = method.properties.replacing(/"expiration":"\d+"/, with: #""expiration":"N""#)
        return method
    }
}
#endif
