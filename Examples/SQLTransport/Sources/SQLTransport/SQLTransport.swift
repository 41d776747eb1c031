public import Celeriac
import CeleriacCore

extension CeleryTransport {
    /// Kombu's `sqla+sqlite:///path` as the broker and Celery's `db+sqlite:///path` as the result store. As in SQLAlchemy,
    /// three slashes begin a relative path and four an absolute one.
    ///
    /// - Parameters:
    ///   - pollInterval: how often an idle worker asks for messages, and a waiting client for results.
    ///   - visibilityTimeout: whole seconds after a worker's last sign of life until others are given its messages.
    /// - Returns: a transport for an application's `transports`.
    public static func sql(
        pollInterval: Duration = .seconds(1), visibilityTimeout: Duration = .seconds(60)
    ) -> CeleryTransport {
        let broker: MakeBroker = { context in
            SQLBroker(
                database: try SQLDatabase(url: context.url, schema: SQLBroker.schema), pollInterval: pollInterval,
                visibilityTimeout: max(visibilityTimeout, .seconds(1)),
                timers: EventLoopTimerSource(eventLoop: context.eventLoopGroup.next()), logger: context.logger)
        }
        let results: MakeResults = { context in
            SQLResults(
                database: try SQLDatabase(url: context.url, schema: SQLResults.schema), pollInterval: pollInterval)
        }
        return CeleryTransport(
            brokers: ["sqla+sqlite": broker, "sqlalchemy+sqlite": broker], results: ["db+sqlite": results])
    }
}
