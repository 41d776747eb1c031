import Celeriac
package import CeleriacCore
package import CeleriacWire
import CeleryDialect
package import CeleryWire
import FoundationEssentials
package import Logging
import MachineryDialect

/// What a bridge's file says of one side.
package struct BridgeEndSettings: Sendable {
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
    /// How long a claim on Redis lasts without being renewed; nil for the default of the side's dialect.
    package var claimTimeout: Duration?
    /// How Machinery's queues lie at RabbitMQ.
    var amqp: MachineryAMQPOptions
    /// The forms of bodies that may pass, by Celery's names; nil for JSON.
    package var accept: Set<CelerySerializer>?

    /// Reads a side.
    ///
    /// - Parameters:
    ///   - value: the side's object.
    ///   - place: what it is, for a person.
    ///   - environment: what `${NAME}` stands for. `${file:PATH}` stands for a file's content.
    /// - Throws: ``CeleriacError`` with code `configuration`.
    package init(_ value: WireValue, _ place: String, environment: [String: String]) throws(CeleriacError) {
        var section = SettingsSection(value, place)
        guard let dialect = try section.text("dialect"), let kind = BridgeDialect(rawValue: dialect) else {
            throw section.error("needs a dialect: celery or machinery")
        }
        self.kind = kind
        guard let broker = try section.text("broker") else { throw section.error("needs a broker") }
        self.broker = try Self.filled(broker, environment, section)
        results = nil
        if let text = try section.text("results") { results = try Self.filled(text, environment, section) }
        notes = nil
        if let text = try section.text("notes") { notes = try Self.filled(text, environment, section) }
        queue = try section.text("queue") ?? (kind == .celery ? "celery" : "machinery_tasks")
        claimTimeout = try section.duration("claim_timeout")
        if claimTimeout == .zero { throw section.error("needs more than 0 seconds for claim_timeout") }
        amqp = MachineryAMQPOptions()
        if let exchange = try section.text("exchange") { amqp.exchange = exchange }
        if let key = try section.text("binding_key") { amqp.bindingKey = key }
        accept = nil
        if let list = try section.list("accept") {
            var accepted: Set<CelerySerializer> = []
            for value in list {
                guard let serializer = value.stringValue.flatMap({ CelerySerializer(rawValue: $0) }) else {
                    throw section.error("accepts a form that is unknown: json, msgpack or yaml")
                }
                accepted.insert(serializer)
            }
            accept = accepted
        }
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
        var configuration = CeleryConfiguration(defaultQueue: queue)
        if let claimTimeout { configuration.redis.visibilityTimeout = claimTimeout }
        let notes = try CeleryApp(broker: self.notes ?? broker, configuration: configuration, logger: logger)
            .client.broker
        switch kind {
        case .celery:
            if let accept { configuration.acceptContent = accept }
            let app = try CeleryApp(broker: broker, results: results, configuration: configuration, logger: logger)
            return BridgeEnd(.celery, client: app.client, notes: notes, defaultQueue: queue)
        case .machinery:
            var configuration = MachineryConfiguration(
                broker: broker, defaultQueue: queue, resultBackend: results ?? "null://", amqp: amqp)
            if let claimTimeout { configuration.redis.claimTimeout = claimTimeout.seconds }
            let server = try MachineryServer(configuration: configuration, logger: logger)
            return BridgeEnd(.machinery, client: server.client, notes: notes, defaultQueue: queue)
        }
    }

    // MARK: Secrets

    /// A text with the values of its variables.
    private static func filled(
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
