import Celeriac
import CeleriacTestKit
import CeleriacWire
import Logging
import Testing

@testable import CeleriacCore

/// A transport at which messages are parked, with a place for results that keeps them.
enum ParkingTransport: String, Sendable, CaseIterable, CustomTestStringConvertible {
    case celeryRedis = "Celery, Redis"
    case celeryRabbitMQ = "Celery, RabbitMQ"
    case celeryFolder = "Celery, folder"
    case machineryRedis = "Machinery, Redis"
    case machineryRabbitMQ = "Machinery, RabbitMQ"

    var testDescription: String { rawValue }

    static var available: [ParkingTransport] {
        #if AMQP && Redis
        Array(allCases)
        #else
        [.celeryFolder]
        #endif
    }

    var isCelery: Bool { self != .machineryRedis && self != .machineryRabbitMQ }
    var queue: String { isCelery ? "celery" : "machinery_tasks" }
}

/// An application at such a transport.
struct ParkingSite: Sendable {
    let transport: ParkingTransport
    let broker: String
    let sender: any TaskSender
    let folder: TemporaryFolder
    private let makeWorker: @Sendable (WorkerConfiguration) -> TaskWorker
    private let closeApp: @Sendable () async -> Void

    init(_ transport: ParkingTransport, logger: Logger? = nil) async throws {
        self.transport = transport
        folder = try TemporaryFolder("parking")
        var results = "file://\(folder.path)/results"
        switch transport {
        case .celeryFolder: broker = "filesystem://\(folder.path)/queues"
        case .celeryRedis, .machineryRedis: broker = try await SharedServers.shared.redisDatabaseURL()
        case .celeryRabbitMQ, .machineryRabbitMQ: broker = try await SharedServers.shared.rabbitMQVirtualHostURL()
        }
        if transport != .celeryFolder { results = try await SharedServers.shared.redisDatabaseURL() }
        var quiet = Logger(label: "live")
        quiet.logLevel = .critical
        if transport.isCelery {
            let app = try CeleryApp(broker: broker, results: results, logger: logger ?? quiet)
            sender = app
            closeApp = { await app.close() }
            makeWorker = { app.worker($0) { MatrixTasks.handlers } }
        } else {
            let server = try MachineryServer(
                configuration: MachineryConfiguration(
                    broker: broker, resultBackend: results, amqp: MachineryAMQPOptions(prefetchCount: 16)),
                logger: logger ?? quiet)
            sender = server
            closeApp = { await server.close() }
            makeWorker = { server.worker($0) { MatrixTasks.handlers } }
        }
    }

    /// A worker with settings of its own.
    func worker(_ change: (inout WorkerConfiguration) -> Void) -> TaskWorker {
        var settings = WorkerConfiguration(queues: [TaskQueue(transport.queue)], nodeName: "parking@test")
        change(&settings)
        return makeWorker(settings)
    }

    /// A message that no worker can read whole, although it says whose task it is.
    func broken(_ id: String) -> OutgoingMessage {
        var message = WireMessage(
            body: Array(
                (transport.isCelery
                    ? "[[2, 3], {" : #"{"UUID":"\#(id)","Name":"tasks.add","RoutingKey":"","Priority":"high"}"#).utf8))
        if transport.isCelery {
            message.headers = ["id": .string(id), "task": "tasks.add", "lang": "py", "retries": 0]
            message.properties.contentType = "application/json"
            message.properties.contentEncoding = "utf-8"
            message.properties.correlationID = id
        }
        return OutgoingMessage(message: message, routingKey: transport.queue, declaredQueue: transport.queue)
    }

    /// Publishes such a message.
    func publish(_ id: String) async throws {
        // Messages in a folder have the order of their milliseconds.
        let start = ContinuousClock.now
        await until { transport != .celeryFolder || start.duration(to: .now) >= .milliseconds(2) }
        try await sender.client.broker.publish([broken(id)])
    }

    /// Publishes such messages and parks them as a worker does that cannot reach its result store.
    func park(_ ids: [String], isStored: Bool?) async throws {
        let broker = sender.client.broker
        for id in ids { try await publish(id) }
        let consumer = try await broker.consume(
            ConsumerOptions(queues: [TaskQueue(transport.queue)], prefetch: 10, nodeName: "parking@test"))
        var count = 0
        while count < ids.count {
            let deliveries = try await consumer.next(atMost: 10)
            var fault = MessageFault(reason: "undecodableBody", detail: "it ends")
            fault.failureIsStored = isStored
            for delivery in deliveries { try await consumer.settle([Settlement(delivery.receipt, .park(fault))]) }
            count += deliveries.count
        }
        try await consumer.close()
    }

    /// The ids of the tasks whose messages are parked, in order.
    func parked() async throws -> [String?] { try await sender.parkedMessages(in: transport.queue).map(\.taskID) }

    func close() async {
        await closeApp()
        folder.remove()
    }
}
