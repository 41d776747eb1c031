import Celeriac
import Logging

/// Benchmarks Celeriac as a Machinery worker (prefetch 100 at RabbitMQ, 100 handlers) and as a producer at a steady rate.
enum MachineryBench {
    private static let add = TaskDefinition<Int, Int, Int>("bench.add")

    static func run(_ words: (verb: String?, numbers: [Int]), logger: Logger) async throws {
        let queue = CeleriacBench.environment("BENCH_QUEUE") ?? ""
        let server = try MachineryServer(
            configuration: MachineryConfiguration(
                broker: CeleriacBench.environment("BENCH_BROKER") ?? "", defaultQueue: queue,
                resultBackend: CeleriacBench.environment("BENCH_RESULTS") ?? "null",
                resultsExpireIn: CeleriacBench.resultExpiry,
                amqp: MachineryAMQPOptions(bindingKey: queue, prefetchCount: 100)),
            logger: logger)
        if words.verb == "pace", words.numbers.count == 2 {
            try await PacedProducer(rate: words.numbers[0], seconds: words.numbers[1]).run { try await server.send($0) }
        } else if words.verb == "latency", words.numbers.count == 2 {
            let producer = LatencyProducer(rate: words.numbers[0], seconds: words.numbers[1])
            try await producer.run { try await server.send($0) }
        } else {
            try await work(server)
        }
        await server.close()
    }

    private static func work(_ server: MachineryServer) async throws {
        let counter = try TaskCounter(path: CeleriacBench.environment("BENCH_COUNT"))
        let worker = server.worker(consumerTag: "bench", concurrency: 100) {
            add.handler { x, y in
                counter.increment()
                return x + y
            }
            LatencyProducer.handler
        }
        try await worker.launch()
    }
}
