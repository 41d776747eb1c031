import Celeriac
import Logging
import ServiceLifecycle

struct CelerySide: Side {
    private let app: CeleryApp
    private let setup: Setup
    private let logger: Logger

    init(_ setup: Setup, _ logger: Logger) throws {
        self.setup = setup
        self.logger = logger
        app = try CeleryApp(
            broker: setup.broker, results: setup.results,
            configuration: CeleryConfiguration(
                defaultQueue: setup.queue,
                redis: CeleryRedisOptions(visibilityTimeout: .seconds(setup.claim)),
                amqp: CeleryAMQPOptions(defaultQueueArguments: setup.isQuorum ? ["x-queue-type": "quorum"] : [:])),
            logger: logger)
    }

    func work() async throws {
        let settings = WorkerConfiguration(
            queues: [setup.queue], concurrency: 8, nodeName: "\(setup.name)@chaos", maximumAttempts: setup.attempts)
        let worker = app.worker(settings) { Step.handler(setup.ledger) }
        try await ServiceGroup(services: [worker], gracefulShutdownSignals: [.sigterm], logger: logger).run()
    }

    func send(_ unit: Unit) async throws {
        let named = SendOptions(taskID: unit.name)
        switch unit.kind {
        case .plain, .poison, .probe:
            try await app.send(Step.sent(unit.name).with(named))
        case .eta:
            let later = SendOptions(taskID: unit.name, countdown: .milliseconds(unit.countdown))
            try await app.send(Step.sent(unit.name).with(later))
        case .chain:
            let links = unit.links.map { Step.sent($0) }
            try await app.send(links.dropFirst().reduce(links[0]) { $0.then($1) })
        case .chord:
            try await app.send(chord(unit.links.map { Step.sent($0) }, body: Step.sent(unit.body)))
        }
    }

    func close() async { await app.close() }
}
