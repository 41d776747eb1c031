import Celeriac
import Logging
import MachineryWire
import ServiceLifecycle

struct MachinerySide: Side {
    private let server: MachineryServer
    private let setup: Setup
    private let logger: Logger

    init(_ setup: Setup, _ logger: Logger) throws {
        self.setup = setup
        self.logger = logger
        server = try MachineryServer(
            configuration: MachineryConfiguration(
                broker: setup.broker, defaultQueue: setup.queue, resultBackend: setup.results,
                amqp: MachineryAMQPOptions(
                    bindingKey: setup.queue, prefetchCount: 32,
                    queueDeclareArguments: setup.isQuorum ? ["x-queue-type": "quorum"] : [:]),
                redis: MachineryRedisSettings(claimTimeout: setup.claim)),
            logger: logger)
        server.register { Step.handler(setup.ledger) }
    }

    func work() async throws {
        let worker = server.makeWorker(consumerTag: setup.name, concurrency: 8)
        try await ServiceGroup(services: [worker], gracefulShutdownSignals: [.sigterm], logger: logger).run()
    }

    func send(_ unit: Unit) async throws {
        switch unit.kind {
        case .plain, .poison, .probe:
            try await server.send(signature(unit.name, SendOptions(taskID: unit.name)))
        case .eta:
            let later = SendOptions(taskID: unit.name, countdown: .milliseconds(unit.countdown))
            try await server.send(signature(unit.name, later))
        case .chain:
            try await server.send(MachineryChain(unit.links.map { try signature($0) }))
        case .chord:
            let group = MachineryGroup(try unit.links.map { try signature($0) })
            try await server.send(MachineryChord(group, callback: signature(unit.body)))
        }
    }

    private func signature(_ name: String, _ options: SendOptions = SendOptions()) throws -> MachinerySignature {
        try server.signature(Step.sent(name), options: options)
    }

    func close() async { await server.close() }
}
