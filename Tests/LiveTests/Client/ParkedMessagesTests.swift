import Celeriac
import CeleriacTestKit
import CeleriacWire
import Testing

@testable import CeleriacCore

/// What an operator does with messages that a worker could not run, on every transport.
@Suite("Parked messages", .serialized, .timeLimit(.minutes(5)))
struct ParkedMessagesTests {
    @Test("are listed, put back as they came, and dropped: servers", arguments: InterruptedSite.available)
    func atServers(_ kind: InterruptedSite) async throws {
        try await atServer(kind.site())
    }

    private func atServer(_ site: some LiveSite) async throws {
        let queue = site.dialect == "machinery" ? "machinery_tasks" : "celery"
        try await look(at: site.app, queue: queue, isCelery: site.dialect != "machinery") {
            try await site.withWorker($0)
        }
        await site.close()
    }

    @Test("are listed, put back as they came, and dropped: a folder")
    func inAFolder() async throws {
        let folder = try TemporaryFolder("live")
        defer { folder.remove() }
        let app = try CeleryApp(broker: "filesystem://\(folder.path)/in")
        let worker = { app.worker { MatrixTasks.handlers } }
        try await look(at: app, queue: "celery", isCelery: true) { body in
            try await withRunning(worker(), body)
        }
        await app.close()
    }

    /// A message that no worker can read whole, although it says whose task it is.
    private func broken(isCelery: Bool) -> WireMessage {
        guard isCelery else {
            let body = #"{"UUID":"task_1","Name":"tasks.add","RoutingKey":"","Priority":"high"}"#
            return WireMessage(body: Array(body.utf8))
        }
        var message = WireMessage(body: Array("[[2, 3], {".utf8))
        message.headers = ["id": "task_1", "task": "tasks.add", "lang": "py", "origin": "é", "retries": 0]
        message.properties.contentType = "application/json"
        message.properties.contentEncoding = "utf-8"
        message.properties.correlationID = "task_1"
        message.properties.priority = 3
        return message
    }

    private func look(
        at sender: some TaskSender, queue: String, isCelery: Bool,
        whileWorking: (@escaping @Sendable () async throws -> Void) async throws -> Void
    ) async throws {
        let broker = sender.client.broker
        let message = broken(isCelery: isCelery)
        for _ in 0..<2 {
            try await broker.publish([OutgoingMessage(message: message, routingKey: queue, declaredQueue: queue)])
        }
        // Redis marks what was looked at as redelivered, as kombu does: the second look sees what the worker will get.
        _ = try await waiting(in: queue, at: broker, count: 2)
        let came = try await waiting(in: queue, at: broker, count: 2)
        try await whileWorking {
            try await until { try await sender.parkedMessages(in: queue).count == 2 }
        }

        let first = try await sender.parkedMessages(in: queue, limit: 1)
        let second = try await sender.parkedMessages(in: queue, after: first.last?.id, limit: 9)
        let parked = first + second
        try #require(parked.count == 2 && parked[0].id != parked[1].id)
        #expect(try await sender.parkedMessages(in: queue, after: second.last?.id).isEmpty)
        for parked in parked {
            #expect(parked.queue == queue && !parked.reason.isEmpty && !parked.worker.isEmpty && parked.time != nil)
            #expect(parked.taskID == "task_1" && parked.task == "tasks.add")
        }
        #expect(try await sender.parkedMessages(in: "another").isEmpty)

        // Put back as it came.
        #expect(try await sender.requeueParked([parked[1].id, "unknown"], in: queue) == 1)
        #expect(try await sender.parkedMessages(in: queue).map(\.id) == [parked[0].id])
        let wentBack = try await waiting(in: queue, at: broker, count: 1)
        #expect(wentBack == [came[1]])
        try await whileWorking {
            try await until { try await sender.parkedMessages(in: queue).count == 2 }
        }

        #expect(try await sender.dropParked([parked[0].id, "unknown"], in: queue) == 1)
        #expect(try await sender.dropParked(sender.parkedMessages(in: queue).map(\.id), in: queue) == 1)
        #expect(try await sender.parkedMessages(in: queue).isEmpty)
        #expect(try await broker.depth(of: queue) == 0)
    }

    /// The messages that wait in a queue, which stay there.
    private func waiting(in queue: String, at broker: any MessageBroker, count: Int) async throws -> [WireMessage] {
        let consumer = try await broker.consume(
            ConsumerOptions(queues: [TaskQueue(queue)], prefetch: 10, nodeName: "look@here"))
        var deliveries: [Delivery] = []
        while deliveries.count < count { deliveries += try await consumer.next(atMost: 10) }
        try await consumer.close()
        return try deliveries.map { try $0.content.get() }
    }
}
