public import Celeriac
import CeleriacCore

extension CeleryTransport {
    /// Kombu's `sqla+sqlite:///path` as the broker and Celery's `db+sqlite:///path` as the result store. As in
    /// SQLAlchemy, three slashes begin a relative path and four an absolute one.
    ///
    /// Both have the option `polling_interval`: the seconds between two looks for messages or results, 1 unless given.
    /// The broker also has `visibility_timeout`: the seconds from a worker's last sign of life until others get its
    /// messages, 60 unless given.
    public static let sql = CeleryTransport(
        brokers: ["sqla+sqlite": SQLBroker.init, "sqlalchemy+sqlite": SQLBroker.init],
        results: ["db+sqlite": SQLResults.init])
}

struct SQLOptions {
    var pollInterval = Duration.seconds(1)
    var visibilityTimeout = Duration.seconds(60)

    init(_ options: WireObject) throws {
        for (name, value) in options {
            let seconds = value.doubleValue ?? 0
            switch (name, seconds) {
            case ("polling_interval", 0.001...86_400): pollInterval = .seconds(seconds)
            case ("visibility_timeout", 1...86_400): visibilityTimeout = .seconds(seconds)
            default: throw CeleriacError(.configuration, "SQL queues have no option \(name), or not with this value")
            }
        }
    }
}
