import Celeriac
import Logging

/// Benchmarks Celeriac as a Machinery worker (prefetch 100 at RabbitMQ) and as a producer at a steady rate.
enum MachineryBench {
    /// Does what the command line says; false if it says nothing.
    static func run(_ verb: String?, _ numbers: [Int], _ settings: BenchSettings, logger: Logger) async throws -> Bool {
        let server = try MachineryServer(
            configuration: MachineryConfiguration(
                broker: settings.broker, defaultQueue: settings.queue, resultBackend: settings.results ?? "null",
                resultsExpireIn: settings.resultExpiry,
                amqp: MachineryAMQPOptions(bindingKey: settings.queue, prefetchCount: 100)),
            logger: logger)
        switch (verb, numbers.count) {
        case ("worker", _): try await work(server, settings)
        case ("pace", 2...3):
            var producer = PacedProducer(rate: numbers[0], seconds: numbers[1])
            if numbers.count > 2 { producer.haltCount = max(0, numbers[2]) }
            try await producer.run { try await server.send($0) }
        case ("latency", 2):
            try await LatencyProducer(rate: numbers[0], seconds: numbers[1]).run { try await server.send($0) }
        default: return false
        }
        await server.close()
        return true
    }

    private static func work(_ server: MachineryServer, _ settings: BenchSettings) async throws {
        let handlers = try BenchTasks.handlers(settings)
        try await server.worker(consumerTag: "bench", concurrency: settings.concurrency) { handlers }.launch()
    }
}
