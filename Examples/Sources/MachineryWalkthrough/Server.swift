import Celeriac
import Logging
import NIOPosix

/// The application: a configuration, a broker, a result backend, a lock, and the worker with its tasks.
enum Server {
    /// Creates the application. Broker and backend are RabbitMQ, unless the environment sets others in Machinery's
    /// variables `BROKER` and `RESULT_BACKEND`.
    static func start(_ environment: [String: String]) throws -> MachineryServer {
        let broker = environment["BROKER"] ?? "amqp://guest:guest@localhost:5672/"
        let configuration = MachineryConfiguration(
            broker: broker,
            defaultQueue: "machinery_tasks",
            resultBackend: environment["RESULT_BACKEND"] ?? broker,
            resultsExpireIn: 3600,
            amqp: MachineryAMQPOptions(
                exchange: "machinery_exchange",
                exchangeType: "direct",
                bindingKey: "machinery_task",
                prefetchCount: 3))

        // Broker, backend and lock come from the configuration. It sets no lock, so the lock is local to this process.
        return try MachineryServer(configuration: configuration)
    }

    /// Creates the worker with its tasks and the log messages around each of them.
    static func worker(_ server: MachineryServer) -> TaskWorker {
        let logger = Logger(label: "walkthrough")
        let hooks = WorkerHooks(
            preTask: { context in
                logger.info("I am a start of task handler for: \(context.machinerySignature?.name ?? "")")
            },
            postTask: { context, _ in
                logger.info("I am an end of task handler for: \(context.machinerySignature?.name ?? "")")
            },
            error: { _, error in
                // A failure's description omits its text, which may be a user's.
                let text = (error as? TaskFailure)?.arguments.first?.stringValue ?? "\(error)"
                logger.error("I am an error handler: \(text)")
            })
        // Concurrency 0 means as many tasks at once as the prefetch count allows, or on Redis twice the number of
        // processors.
        return server.worker(consumerTag: "machinery_worker", concurrency: 0, hooks: hooks) {
            Tasks.add.handler { $0.elements.reduce(0, +) }
            Tasks.multiply.handler { $0.elements.reduce(1, *) }
            Tasks.sumInts.handler { $0.reduce(0, +) }
            Tasks.sumFloats.handler { $0.reduce(0, +) }
            Tasks.concat.handler { $0.joined() }
            Tasks.split.handler { $0.map { String($0) } }
            Tasks.panicTask.handler { throw TaskFailure("error", "oops") }
            Tasks.longRunningTask.handler { context in
                context.logger.info("Long running task started")
                for second in 1...3 {
                    try await Task.sleep(for: .seconds(1))
                    context.logger.info("Long running task: \(second)")
                }
                context.logger.info("Long running task finished")
            }
        }
    }
}
