package import Celeriac
package import CeleriacCore
package import CeleriacWire
package import CeleryDialect
package import CeleryWire
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
    /// The folder with the tables of exchanges, where the notes are in a folder: remote control needs it.
    var controlFolder: String?
    /// What the file says under the task system's own names.
    package var settings: WireObject

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
        controlFolder = nil
        if let text = try section.text("control_folder") {
            controlFolder = try Self.filled(text, environment, section)
        }
        settings = try Self.settings(&section, environment)
        let defaultQueue: String
        amqp = MachineryAMQPOptions()
        do throws(CeleriacError) {
            switch kind {
            case .celery:
                let read = try Self.celery(settings, broker: self.broker, results: results)
                defaultQueue = read.configuration.defaultQueue
            case .machinery:
                let read = try MachineryConfiguration(settings: settings)
                defaultQueue = read.defaultQueue
                if let options = read.amqp { amqp = options }
            }
        } catch {
            throw section.error("cannot have these settings: \(error.message)", at: "settings", cause: error)
        }
        queue = try section.text("queue") ?? defaultQueue
        // The routes widen it: at RabbitMQ a side of Machinery holds as many messages as its widest one.
        if settings["amqp"]?["prefetch_count"] == nil { amqp.prefetchCount = 1 }
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
        let notes = try noting(logger: logger).client.broker
        switch kind {
        case .celery:
            let read = try Self.celery(settings, broker: broker, results: results)
            for notice in read.notices { logger.info("\(notice)") }
            var configuration = read.configuration
            configuration.defaultQueue = queue
            // A bridge runs nothing itself.
            configuration.runsTasksEagerly = false
            fillFolder(of: &configuration)
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
            var configuration = try MachineryConfiguration(settings: settings)
            configuration.broker = broker
            configuration.defaultQueue = queue
            configuration.resultBackend = results ?? "null://"
            configuration.amqp = amqp
            if let visibilityTimeout { configuration.redis.claimTimeout = visibilityTimeout.seconds }
            let server = try MachineryServer(configuration: configuration, logger: logger)
            return BridgeEnd(.machinery, client: server.client, notes: notes, defaultQueue: queue)
        }
    }

    /// Makes the application at whose broker the notes are, and operators reach the bridge. It connects on first use.
    ///
    /// - Parameters:
    ///   - logger: What it tells.
    ///   - patience: How long connecting may take where the settings do not say; nil for the usual times.
    /// - Returns: the application.
    /// - Throws: ``CeleriacError`` with code `configuration` for an address that cannot be used.
    package func noting(logger: Logger, patience: Duration? = nil) throws -> CeleryApp {
        var configuration = CeleryConfiguration()
        // The settings say how one connects to the side's own broker.
        if kind == .celery, notes == nil {
            configuration = try Self.celery(settings, broker: broker, results: results).configuration.ofItsBroker
        }
        fillFolder(of: &configuration)
        // In Celery's databases all workers must agree on it. In Machinery's the bridge is alone with its notes.
        if let timeout = visibilityTimeout ?? (kind == .machinery ? Self.aloneTimeout : nil) {
            configuration.redis.visibilityTimeout = timeout
        }
        if let patience { configuration.limitConnecting(to: patience) }
        return try CeleryApp(broker: notes ?? broker, configuration: configuration, logger: logger)
    }

    private func fillFolder(of configuration: inout CeleryConfiguration) {
        guard let controlFolder else { return }
        var folders =
            configuration.filesystem ?? CeleryFilesystemOptions(dataFolderIn: "data_in", dataFolderOut: "data_out")
        folders.controlFolder = controlFolder
        configuration.filesystem = folders
    }

    /// After how long notes come back where nobody else has claims: as long as Machinery's messages take.
    private static let aloneTimeout = Duration.seconds(60)

    // MARK: Settings

    /// Those that a side has keys of its own for: what the side says must not depend on which of the two one reads.
    private static let addresses: Set<String> = [
        "broker", "broker_read_url", "broker_url", "broker_write_url", "result_backend",
    ]

    private static func settings(
        _ section: inout SettingsSection, _ environment: [String: String]
    ) throws(CeleriacError) -> WireObject {
        guard let written = try section.object("settings") else { return [:] }
        if let name = written.keys.first(where: { addresses.contains($0) }) {
            throw section.error("names \(name) in its settings: it is the side's broker or results", at: "settings")
        }
        return try places(environment, section).filled(.object(written)).objectValue ?? [:]
    }

    /// Settings under Celery's names, of which some mean something by the kind of the broker.
    private static func celery(
        _ settings: WireObject, broker: String, results: String?
    ) throws(CeleriacError) -> CelerySettings {
        var own = CelerySettings()
        own.broker = broker
        own.results = results
        let layer = try SettingsLayer(written: settings, place: "it")
        return try CelerySettings(over: own, layers: [layer], isStrict: true)
    }

    // MARK: Secrets

    /// A text with the values of its variables.
    static func filled(
        _ text: String, _ environment: [String: String], _ section: SettingsSection
    ) throws(CeleriacError) -> String {
        try places(environment, section).filled(text)
    }

    private static func places(_ environment: [String: String], _ section: SettingsSection) -> SettingPlaceholders {
        SettingPlaceholders(environment: environment, others: .refused) { section.error($0) }
    }
}
