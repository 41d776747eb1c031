import Celeriac
import Logging
import ServiceLifecycle

/// Benchmarks Celeriac as a Machinery worker: prefetch 100 at RabbitMQ, 100 handlers.
enum MachineryBench {
    private static let add = TaskDefinition<Int, Int, Int>("bench.add")

    static func work(logger: Logger) async throws {
        let queue = CeleriacBench.environment("BENCH_QUEUE") ?? ""
        let server = try MachineryServer(
            configuration: MachineryConfiguration(
                broker: CeleriacBench.environment("BENCH_BROKER") ?? "", defaultQueue: queue,
                resultBackend: CeleriacBench.environment("BENCH_RESULTS") ?? "null",
                amqp: MachineryAMQPOptions(bindingKey: queue, prefetchCount: 100)),
            logger: logger)
        let counter = try TaskCounter(path: CeleriacBench.environment("BENCH_COUNT"))
        let worker = server.worker(consumerTag: "bench", concurrency: 100) {
            add.handler { x, y in
                counter.increment()
                return x + y
            }
        }
        try await ServiceGroup(services: [worker], gracefulShutdownSignals: [.sigterm], logger: logger).run()
        await server.close()
    }
}
