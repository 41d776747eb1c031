#if AMQP && Redis
import Celeriac
import CeleriacAMQP
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Logging
import TestSupport
import Testing

/// Tests what remote control answers for queues that RabbitMQ refuses to the worker.
@Suite("Queues that a worker may not serve", .serialized)
struct RefusedQueueTests {
    private static let hold = TaskDefinition<Int, Int>("tasks.hold")

    @Test("are refused with the broker's reason, and cost nothing that the worker runs", .timeLimit(.minutes(5)))
    func refused() async throws {
        let server = try await RabbitMQServer.start()
        try await server.rabbitmqctl("add_user", "limited", "limited")
        try await server.rabbitmqctl("set_permissions", "limited", ".*", ".*", "^(?!unreadable$)")
        let connection = try await AMQPConnection.connect(
            try AMQPConfiguration(url: server.url), on: sharedEventLoop(), logger: LogRecorder().logger)
        let channel = try await connection.openChannel()
        try await channel.queueDeclare("unreadable", durable: true)
        try await channel.queueDeclare("taken", durable: false, exclusive: true)
        let log = LogRecorder()
        let app = try CeleryApp(
            broker: server.url.replacing("guest:guest", with: "limited:limited"), results: "rpc://", logger: log.logger)
        let sender = try CeleryApp(broker: server.url, results: "rpc://", logger: LogRecorder().logger)
        let (begun, release) = (Gate(), Gate())
        let runs = Runs()
        let worker = app.worker(WorkerConfiguration(queues: ["celery"], concurrency: 2, nodeName: "w@refused")) {
            Self.hold.handler { number in
                runs.add(number)
                if number > 1 { return number }
                begun.open()
                await release.wait()
                return number
            }
        }
        let control = sender.control(destination: ["w@refused"], timeout: .seconds(120))
        try await withRunning(worker) {
            let held = try await sender.send(Self.hold(1))
            await begun.wait()
            for (queue, reason) in [("unreadable", "ACCESS_REFUSED"), ("taken", "RESOURCE_LOCKED")] {
                let answer = try refusal(await control.addConsumer(queue, reply: true))
                #expect(answer.hasPrefix("RuntimeError(") && answer.contains(reason), "\(answer)")
                #expect(answer.contains(queue))
            }
            let queues = try only(await control.activeQueues()).map { $0["name"] }
            #expect(queues == ["celery"])
            let beside = try await sender.send(Self.hold(2)).get(timeout: .seconds(120))
            #expect(beside == 2)
            release.open()
            let one = try await held.get(timeout: .seconds(120))
            #expect(one == 1)
        }
        #expect(runs.repeated.isEmpty && runs.total == 2)
        #expect(log.count("lost the connection to the broker") == 0)
        await connection.close()
        await app.close()
        await sender.close()
        await server.stop()
    }
}
#endif
