import Celeriac
import Logging

/// Benchmarks Celeriac as a Celery worker and as a producer.
enum CeleryBench {
    /// Does what the command line says; false if it says nothing.
    static func run(_ verb: String?, _ numbers: [Int], _ settings: BenchSettings, logger: Logger) async throws -> Bool {
        let app = try CeleryApp(
            broker: settings.broker, results: settings.results,
            configuration: CeleryConfiguration(
                defaultQueue: settings.queue, sendOptions: SendOptions(ignoresResult: settings.results == nil),
                resultExpiry: .seconds(settings.resultExpiry)),
            logger: logger)
        switch (verb, numbers.count) {
        case ("worker", _): try await work(app, settings)
        case ("produce", 2): try await BatchProducer(number: numbers[0], batch: numbers[1]).run(by: app)
        case ("pace", 2...3):
            var producer = PacedProducer(rate: numbers[0], seconds: numbers[1])
            if numbers.count > 2 { producer.haltCount = max(0, numbers[2]) }
            try await producer.run { try await app.send($0) }
        case ("latency", 2):
            try await LatencyProducer(rate: numbers[0], seconds: numbers[1]).run { try await app.send($0) }
        case ("chains", 2): try await WorkflowProducer(number: numbers[0], size: numbers[1]).chains(by: app)
        case ("chords", 2): try await WorkflowProducer(number: numbers[0], size: numbers[1]).chords(by: app)
        default: return false
        }
        await app.close()
        return true
    }

    private static func work(_ app: CeleryApp, _ settings: BenchSettings) async throws {
        let configuration = WorkerConfiguration(
            queues: [TaskQueue(settings.queue)], concurrency: settings.concurrency,
            prefetchMultiplier: settings.multiplier)
        let control = CeleryControlConfiguration(sendsTaskEvents: settings.telemetry.contains("events"))
        let handlers = try BenchTasks.handlers(settings)
        try await app.worker(configuration, control: control) { handlers }.launch()
    }
}
