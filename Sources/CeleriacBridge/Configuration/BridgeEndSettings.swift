import Celeriac
package import CeleriacCore
import CeleriacWire
package import CeleryDialect
package import CeleryWire
import FoundationEssentials
package import Logging
import MachineryDialect

/// What a bridge's file says of one side.
package struct BridgeEndSettings: Sendable, Hashable {
    /// The task system.
    package var kind: BridgeDialect
    /// The broker's address.
    package var broker: String
    /// The result store's address; nil if the side has none.
    package var results: String?
    /// The queue of routes that name none.
    package var queue: String
    /// Where notes are kept; nil for the broker's address.
    package var notes: String?
    /// How Machinery's queues lie at RabbitMQ.
    var amqp: MachineryAMQPOptions
    /// The forms of bodies that may pass, by Celery's names; nil for JSON.
    package var accept: Set<CelerySerializer>?
    /// After how long Redis gives what a killed bridge held to another; nil for what the task system has.
    package var visibilityTimeout: Duration?
    /// What signs and verifies bodies; nil for nothing.
    var signing: BridgeSigning?

    /// Reads a side.
    ///
    /// - Parameters:
    ///   - section: the side's object.
    ///   - environment: what `${NAME}` stands for. `${file:PATH}` stands for a file's content.
    /// - Throws: ``CeleriacError`` with code `configuration`.
    package init(_ section: SettingsSection, environment: [String: String]) throws(CeleriacError) {
        var section = section
        guard let dialect = try section.text("dialect"), let kind = BridgeDialect(rawValue: dialect) else {
            throw section.error("needs a dialect: celery or machinery", at: "dialect")
        }
        self.kind = kind
        guard let broker = try section.text("broker") else { throw section.error("needs a broker") }
        self.broker = try Self.filled(broker, environment, section)
        results = nil
        if let text = try section.text("results") { results = try Self.filled(text, environment, section) }
        notes = nil
        if let text = try section.text("notes") { notes = try Self.filled(text, environment, section) }
        queue = try section.text("queue") ?? (kind == .celery ? "celery" : "machinery_tasks")
        // The routes widen it: at RabbitMQ a side of Machinery holds as many messages as its widest one.
        amqp = MachineryAMQPOptions(prefetchCount: 1)
        if let exchange = try section.text("exchange") { amqp.exchange = exchange }
        if let key = try section.text("binding_key") { amqp.bindingKey = key }
        accept = nil
        if let list = try section.list("accept") {
            var accepted: Set<CelerySerializer> = []
            for value in list {
                guard let serializer = value.stringValue.flatMap({ CelerySerializer(rawValue: $0) }) else {
                    throw section.error("accepts a form that is unknown: json, msgpack, yaml or auth", at: "accept")
                }
                accepted.insert(serializer)
            }
            accept = accepted
        }
        visibilityTimeout = try section.duration("visibility_timeout")
        if let visibilityTimeout, visibilityTimeout <= .zero {
            throw section.error("needs seconds above 0 for visibility_timeout", at: "visibility_timeout")
        }
        signing = try BridgeSigning(&section, environment: environment)
        try section.finish()
        if kind == .machinery, results == nil { throw section.error("needs results: Machinery always stores states") }
    }

    /// Whether results are delivered once, to whoever asks first.
    var deliversResultsOnce: Bool {
        let scheme = results.flatMap { ConnectionURL.splitScheme($0)?.scheme } ?? results ?? ""
        return ["rpc", "amqp", "amqps", "pyamqp"].contains(scheme)
    }

    /// Makes the side, which connects on first use.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` for an address that cannot be used.
    package func end(logger: Logger) throws -> BridgeEnd {
        var noting = CeleryConfiguration()
        // In Celery's databases all workers must agree on it. In Machinery's the bridge is alone with its notes.
        if let timeout = visibilityTimeout ?? (kind == .machinery ? Self.aloneTimeout : nil) {
            noting.redis.visibilityTimeout = timeout
        }
        let notes = try CeleryApp(broker: self.notes ?? broker, configuration: noting, logger: logger).client.broker
        switch kind {
        case .celery:
            var configuration = CeleryConfiguration(defaultQueue: queue)
            if let visibilityTimeout { configuration.redis.visibilityTimeout = visibilityTimeout }
            if let signing {
                configuration.security = try signing.security
                configuration.sendOptions.serializer = Serializer(rawValue: CelerySerializer.auth.rawValue)
                configuration.acceptContent = [.auth]
            }
            if let accept { configuration.acceptContent = accept }
            let app = try CeleryApp(broker: broker, results: results, configuration: configuration, logger: logger)
            return BridgeEnd(.celery, client: app.client, notes: notes, defaultQueue: queue)
        case .machinery:
            var redis = MachineryRedisSettings()
            if let visibilityTimeout { redis.claimTimeout = visibilityTimeout.seconds }
            let server = try MachineryServer(
                configuration: MachineryConfiguration(
                    broker: broker, defaultQueue: queue, resultBackend: results ?? "null://", amqp: amqp, redis: redis),
                logger: logger)
            return BridgeEnd(.machinery, client: server.client, notes: notes, defaultQueue: queue)
        }
    }

    /// After how long notes come back where nobody else has claims: as long as Machinery's messages take.
    private static let aloneTimeout = Duration.seconds(60)

    // MARK: Secrets

    /// A text with the values of its variables.
    static func filled(
        _ text: String, _ environment: [String: String], _ section: SettingsSection
    ) throws(CeleriacError) -> String {
        try Placeholders.fill(text, unclosed: section.error("has ${ without }")) { name throws(CeleriacError) in
            try value(of: name, environment, section)
        }
    }

    private static func value(
        of name: String, _ environment: [String: String], _ section: SettingsSection
    ) throws(CeleriacError) -> String {
        if name.hasPrefix("file:") {
            let path = String(name.dropFirst("file:".count))
            guard let content = try? String(contentsOfFile: path, encoding: .utf8) else {
                throw section.error("names the file \(path), which cannot be read")
            }
            return String(content.prefix { !$0.isNewline })
        }
        guard let value = environment[name] else { throw section.error("needs the environment variable \(name)") }
        return value
    }
}
