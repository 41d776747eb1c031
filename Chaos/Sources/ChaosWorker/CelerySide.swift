import Celeriac
import Logging

struct CelerySide: Side {
    private let app: CeleryApp
    private let setup: Setup

    init(_ setup: Setup, _ logger: Logger) throws {
        self.setup = setup
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
            queues: [TaskQueue(setup.queue)], concurrency: 8, nodeName: "\(setup.name)@chaos",
            maximumAttempts: setup.attempts)
        try await app.worker(settings) { Step.handler(setup.ledger) }.launch()
    }

    func send(_ unit: Unit) async throws {
        let named = SendOptions(taskID: unit.name)
        switch unit.kind {
        case .plain, .poison, .probe:
            try await app.send(Step.sent(unit.name).with(named))
        case .eta:
            try await app.send(Step.sent(unit.name).with(named), countdown: .milliseconds(unit.countdown))
        case .chain:
            let links = unit.links.map { Step.sent($0) }
            try await app.send(links.dropFirst().reduce(links[0]) { $0.then($1) })
        case .chord:
            try await app.send(chord(unit.links.map { Step.sent($0) }, body: Step.sent(unit.body)))
        }
    }

    func close() async { await app.close() }
}
