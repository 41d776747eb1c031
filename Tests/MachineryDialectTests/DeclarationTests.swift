import CeleriacWire
import Foundation
import Testing

@testable import MachineryDialect

/// Celeriac declares at RabbitMQ what Go declared in the same case: names, flags and arguments.
@Suite struct DeclarationTests {
    /// The declarations and bindings that a capture's programs sent.
    private func captured(_ name: String) throws -> (queues: [WireValue], bindings: [WireValue]) {
        let url = URL(filePath: #filePath).appending(path: "../../../Compat/machinery/\(name).json").standardized
        let document = try WireJSON.decode([UInt8](Data(contentsOf: url)))
        let wire = document["wire"]?.arrayValue ?? []
        func arguments(_ method: String) -> [WireValue] {
            wire.filter { $0["method"]?.stringValue == method }.compactMap { $0["args"] }
        }
        return (arguments("queue.declare"), arguments("queue.bind"))
    }

    private func check(
        _ declaration: QueueDeclaration, exchange: String = "machinery_exchange", in name: String
    ) throws {
        let (queues, bindings) = try captured(name)
        let queue = try #require(queues.first { $0["queue"]?.stringValue == declaration.queue }, "\(declaration.queue)")
        #expect(queue["durable"] == .bool(declaration.durable))
        #expect(queue["auto_delete"] == .bool(declaration.autoDelete))
        #expect(queue["exclusive"] == false)
        #expect(queue["passive"] == false)
        var arguments: [String: WireValue] = [:]
        for (key, value) in queue["arguments"]?.objectValue ?? [:] { arguments[key] = value["value"] }
        #expect(arguments == Dictionary(uniqueKeysWithValues: declaration.arguments.map { ($0.key, $0.value) }))
        let binding = try #require(bindings.first { $0["queue"]?.stringValue == declaration.queue })
        #expect(binding["routing_key"]?.stringValue == declaration.bindingKey)
        #expect(binding["exchange"]?.stringValue == exchange)
        #expect(binding["arguments"]?.objectValue?.count == declaration.bindingArguments.count)
    }

    @Test func workersQueues() throws {
        try check(MachineryAMQPOptions().workQueue("machinery_tasks"), in: "amqp-00-startup")
        try check(
            MachineryAMQPOptions(queueDeclareArguments: ["x-max-priority": 10]).workQueue("machinery_tasks"),
            in: "amqp-02-priority")
        try check(
            MachineryAMQPOptions(exchange: "mtopic", exchangeType: "topic", bindingKey: "machinery_tasks")
                .workQueue("machinery_tasks"), exchange: "mtopic", in: "amqp-03b-topic-exchange")
    }

    @Test func publishersQueues() throws {
        let options = MachineryAMQPOptions(declaresPublisherQueue: true)
        let queues = options.publisherQueues(routingKey: "machinery_task")
        #expect(queues.map(\.queue) == ["machinery_tasks", "machinery_task"])
        try check(try #require(queues.last), in: "amqp-01b-add-unconsumed")
        #expect(
            MachineryAMQPOptions().publisherQueues(routingKey: "machinery_task").map(\.queue) == ["machinery_tasks"])
        let other = MachineryAMQPOptions().publisherQueues(routingKey: "other_q")
        #expect(other.count == 1)
        try check(try #require(other.first), in: "amqp-03-routing-key")
    }

    @Test func delayQueues() throws {
        let (queue, expiration) = MachineryAMQPOptions().delayQueue(routingKey: "machinery_task", milliseconds: 59998)
        #expect(expiration == nil)
        try check(queue, in: "amqp-05-delayed-unconsumed")
        let shared = MachineryAMQPOptions(delayedQueue: "my_delay").delayQueue(
            routingKey: "machinery_task", milliseconds: 1498)
        #expect(shared.expiration == "1498")
        try check(shared.queue, in: "amqp-05c-delayed-queue")
    }

    @Test func queuesOfStates() throws {
        let (queues, _) = try captured("amqpbackend-01-add")
        let task = try #require(queues.compactMap { $0["queue"]?.stringValue }.first { $0.hasPrefix("task_") })
        try check(MachineryAMQPOptions.stateQueue(task, expiry: 3_600_000), in: "amqpbackend-01-add")
        let (groups, _) = try captured("amqpbackend-09-chord")
        let group = try #require(groups.compactMap { $0["queue"]?.stringValue }.first { $0.hasPrefix("group_") })
        try check(MachineryAMQPOptions.stateQueue(group, expiry: 3_600_000), in: "amqpbackend-09-chord")
    }

    @Test func aWorkersOwnQueueIsBoundWithItsNameUnlessToldOtherwise() {
        #expect(MachineryAMQPOptions().workQueue("mine").bindingKey == "mine")
        #expect(
            MachineryAMQPOptions(bindsOwnQueueWithBindingKey: true).workQueue("mine").bindingKey == "machinery_task")
        #expect(MachineryAMQPOptions(exchangeType: "fanout").workQueue("mine").bindingKey == "machinery_task")
    }

    /// Settings like those of the captures' programs declare the same.
    @Test func queuesBySettings() throws {
        func options(_ amqp: String) throws -> MachineryAMQPOptions {
            try #require(try MachineryConfiguration(yaml: Array("amqp: {\(amqp)}".utf8)).amqp)
        }
        try check(
            try options("queue_declare_args: {x-max-priority: 10}").workQueue("machinery_tasks"), in: "amqp-02-priority"
        )
        let topic = try options("exchange: mtopic, exchange_type: topic, binding_key: machinery_tasks")
        try check(topic.workQueue("machinery_tasks"), exchange: "mtopic", in: "amqp-03b-topic-exchange")
        let delayed = try options("delayed_queue: my_delay")
            .delayQueue(routingKey: "machinery_task", milliseconds: 1498)
        try check(delayed.queue, in: "amqp-05c-delayed-queue")
    }

    /// Machinery's publishers declare and bind the default queue on an exchange that is not direct, whatever the routing
    /// key; its workers bind theirs with the binding key. No queue is named after a routing key.
    @Test(arguments: ["topic", "fanout", "headers", "x-consistent-hash"])
    func queuesOnOtherExchanges(_ type: String) throws {
        let options = MachineryAMQPOptions(
            exchange: "ex", exchangeType: type, bindingKey: "tasks.*", queueDeclareArguments: ["x-max-priority": 10],
            queueBindingArguments: ["x-match": "any", "image-type": "png"], defaultQueue: "mine",
            declaresPublisherQueue: true)
        #expect(options.defaultRoutingKey == "mine")
        let consumed = QueueDeclaration(
            queue: "mine", arguments: ["x-max-priority": 10], bindingKey: "tasks.*",
            bindingArguments: ["x-match": "any", "image-type": "png"])
        for key in ["mine", "tasks.sum", "tasks.*", "other"] {
            #expect(options.publisherQueues(routingKey: key) == [consumed])
        }
        #expect(options.workQueue("mine") == consumed)
        var own = consumed
        own.queue = "own"
        #expect(options.workQueue("own") == own)
    }

    /// A binding's arguments are those of all bindings, also of delay queues; a queue's arguments are not.
    @Test func argumentsOfDelayQueues() {
        let options = MachineryAMQPOptions(
            exchange: "ex", queueDeclareArguments: ["x-max-priority": 10], queueBindingArguments: ["a": 1],
            autoDelete: true)
        let (queue, _) = options.delayQueue(routingKey: "key", milliseconds: 1500)
        #expect(
            queue
                == QueueDeclaration(
                    queue: "delay.1500.ex.key", autoDelete: true,
                    arguments: [
                        "x-dead-letter-exchange": "ex", "x-dead-letter-routing-key": "key", "x-message-ttl": 1500,
                        "x-expires": 3000,
                    ], bindingKey: "delay.1500.ex.key", bindingArguments: ["a": 1]))
    }

    @Test func delayedMessagesAndStatesReachNoWorker() {
        func exchange(_ type: String, _ key: String) -> String {
            MachineryAMQPOptions(exchange: "ex", exchangeType: type, bindingKey: key).exchangeOfNamedQueues
        }
        #expect(exchange("direct", "machinery_task") == "ex")
        #expect(exchange("direct", "#") == "ex")
        #expect(exchange("topic", "machinery_tasks") == "ex")
        for (type, key) in [("topic", "#"), ("topic", "tasks.*"), ("fanout", "key"), ("headers", "key")] {
            #expect(exchange(type, key) == "")
        }
    }
}
