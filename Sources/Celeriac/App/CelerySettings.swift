public import CeleriacCore
import CeleriacWire
import CeleryDialect
import CeleryWire

/// An application's settings under Celery's own names, from a YAML file or from the environment.
///
/// ```yaml
/// broker_url: redis://localhost/0
/// result_backend: redis://localhost/1
/// task_acks_late: true
/// task_default_queue: math
/// task_routes: {images.resize: {queue: images}}
/// task_annotations: {images.resize: {rate_limit: 10/m, time_limit: 60}}
/// result_expires: 3600
/// worker_concurrency: 4
/// ```
///
/// | names | what they set |
/// |---|---|
/// | `broker_url`, `result_backend` | where the application connects |
/// | `accept_content`, `task_protocol`, `task_serializer`, `task_compression` | ``CeleryConfiguration`` |
/// | `task_default_queue`, `task_routes`, `task_default_priority`, `task_send_sent_event` | how tasks are sent |
/// | `task_acks_late`, `task_acks_on_failure`, `task_acks_on_timeout`, `task_acks_on_failure_or_timeout`, `task_ignore_result`, `task_store_errors_even_if_ignored`, `task_track_started`, `task_time_limit`, `task_soft_time_limit`, `task_default_rate_limit` | ``CeleryConfiguration/taskDefaults`` |
/// | `task_annotations` | ``CeleryConfiguration/taskAnnotations``: by task, or `*` for all, the names `acks_late`, `acks_on_failure`, `acks_on_timeout`, `ignore_result`, `store_errors_even_if_ignored`, `track_started`, `time_limit`, `soft_time_limit`, `rate_limit` |
/// | `task_reject_on_worker_lost` | `true` only: a late message of a worker that has vanished always goes back, since nobody is left to store its failure |
/// | `result_expires`, `result_extended`, `result_chord_retry_interval` | results |
/// | `worker_concurrency`, `worker_prefetch_multiplier`, `worker_send_task_events`, `worker_enable_remote_control` | workers |
/// | `broker_transport_options` | `visibility_timeout`, `global_keyprefix`, `priority_steps`, `sep`; `maximum_eta_hold` of RabbitMQ |
/// | `result_backend_transport_options` | `global_keyprefix` |
///
/// A file with any other name is refused, so that no setting is silently ignored. Only the options of a transport that
/// is not built in are not looked at: its ``CeleryTransport`` gets them as they are.
public struct CelerySettings: Sendable {
    /// `broker_url`.
    public var broker: String?
    /// `result_backend`.
    public var results: String?
    /// The application's configuration.
    public var configuration: CeleryConfiguration
    /// The configuration of workers.
    public var worker: WorkerConfiguration

    /// Reads settings.
    ///
    /// - Parameter yaml: the text of the settings file, in UTF-8.
    /// - Throws: ``CeleriacError`` with code `configuration`, whose message names the setting.
    public init(yaml: [UInt8]) throws(CeleriacError) {
        do {
            try self.init(try WireYAML.decode(yaml), place: "the settings")
        } catch let error as CeleriacError {
            throw error
        } catch {
            throw CeleriacError(.configuration, "the settings are not YAML", cause: error)
        }
    }

    /// Reads the listed settings from variables such as `CELERY_TASK_ACKS_LATE`, whose values are YAML. Other variables
    /// are ignored.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration`, whose message names the setting.
    public init(environment: [String: String], prefix: String = "CELERY_") throws(CeleriacError) {
        var settings: WireObject = [:]
        for name in Self.table.flatMap(\.names) {
            guard let text = environment[prefix + name.uppercased()] else { continue }
            do {
                settings[name] = try WireYAML.decode(Array(text.utf8))
            } catch {
                throw CeleriacError(
                    .configuration, "the variable \(prefix + name.uppercased()) is not YAML", cause: error)
            }
        }
        try self.init(.object(settings), place: "the environment")
    }

    private init(_ value: WireValue, place: String) throws(CeleriacError) {
        var section = SettingsSection(value, place)
        configuration = CeleryConfiguration()
        worker = WorkerConfiguration(queues: [])
        for setting in Self.table { try setting.read(&section, &self) }
        try section.finish()
        worker.queues = [TaskQueue(configuration.defaultQueue)]
    }
}

// MARK: The table

/// A row of the table of settings: Celery's names, and what they do.
private struct Setting: Sendable {
    typealias Read = @Sendable (inout SettingsSection, inout CelerySettings) throws(CeleriacError) -> Void

    /// The settings that ``read`` takes from a section: usually one, several where they only make sense together.
    let names: [String]
    let read: Read

    init(_ names: String..., read: @escaping Read) {
        self.names = names
        self.read = read
    }

    static func text(_ name: String, _ target: any WritableKeyPath<CelerySettings, String?> & Sendable) -> Setting {
        Setting(name) { section, settings throws(CeleriacError) in
            if let text = try section.text(name) { settings[keyPath: target] = text }
        }
    }

    static func flag(_ name: String, _ target: any WritableKeyPath<CelerySettings, Bool> & Sendable) -> Setting {
        Setting(name) { section, settings throws(CeleriacError) in
            if let flag = try section.flag(name) { settings[keyPath: target] = flag }
        }
    }

    static func count(_ name: String, _ target: any WritableKeyPath<CelerySettings, Int> & Sendable) -> Setting {
        Setting(name) { section, settings throws(CeleriacError) in
            if let count = try section.count(name) { settings[keyPath: target] = count }
        }
    }
}

extension CelerySettings {
    /// All settings that are understood here, in the order in which they are read.
    fileprivate static let table: [Setting] = [
        .text("broker_url", \.broker),
        .text("result_backend", \.results),

        // Sending.
        Setting("task_default_queue") { section, settings throws(CeleriacError) in
            if let queue = try section.text("task_default_queue") { settings.configuration.defaultQueue = queue }
        },
        Setting("task_routes") { section, settings throws(CeleriacError) in
            for (task, route) in try section.object("task_routes") ?? [:] {
                settings.configuration.routes[task] = try queue(of: route, task, section)
                if task.contains("*") { settings.configuration.routeOrder.append(task) }
            }
        },
        Setting("task_protocol") { section, settings throws(CeleriacError) in
            guard let version = try section.count("task_protocol") else { return }
            guard 1...2 ~= version else { throw section.error("needs 1 or 2 for task_protocol") }
            settings.configuration.taskProtocol = version
        },
        Setting("accept_content") { section, settings throws(CeleriacError) in
            guard let names = try section.list("accept_content") else { return }
            let known = names.compactMap { $0.stringValue.flatMap { CelerySerializer(rawValue: $0) } }
            guard known.count == names.count, !known.contains(.pickle) else {
                throw section.error("needs json, msgpack or yaml in accept_content")
            }
            settings.configuration.acceptContent = Set(known)
        },
        Setting("task_serializer") { section, settings throws(CeleriacError) in
            let name = try section.text("task_serializer")
            settings.configuration.sendOptions.serializer = name.map { Serializer(rawValue: $0) }
        },
        Setting("task_compression") { section, settings throws(CeleriacError) in
            let name = try section.text("task_compression")
            settings.configuration.sendOptions.compression = name.map { Compression(rawValue: $0) }
        },
        Setting("task_default_priority") { section, settings throws(CeleriacError) in
            guard let priority = try section.number("task_default_priority") else { return }
            guard let known = UInt8(exactly: priority) else {
                throw section.error("needs 0 to 255 for task_default_priority")
            }
            settings.configuration.sendOptions.priority = known
        },

        .flag("task_send_sent_event", \.configuration.sendsSentEvents),

        // Results.
        Setting("result_expires") { section, settings throws(CeleriacError) in
            // Null and zero keep results for ever; an absent setting leaves the default.
            guard section.has("result_expires") else { return }
            settings.configuration.resultExpiry = try section.duration("result_expires")
        },
        .flag("result_extended", \.configuration.resultExtended),
        Setting("result_chord_retry_interval") { section, settings throws(CeleriacError) in
            guard let interval = try section.duration("result_chord_retry_interval") else { return }
            settings.configuration.chordRetryInterval = interval
        },

        // Transports.
        Setting("broker_transport_options") { section, settings throws(CeleriacError) in
            let object = try section.object("broker_transport_options") ?? [:]
            settings.configuration.brokerTransportOptions = object
            guard settings.broker.map(CeleryTransportFactory.isBuiltIn) ?? true else { return }
            var options = SettingsSection(.object(object), "broker_transport_options")
            if let timeout = try options.duration("visibility_timeout") {
                settings.configuration.redis.visibilityTimeout = timeout
            }
            if let prefix = try options.text("global_keyprefix") { settings.configuration.redis.keyPrefix = prefix }
            if options.has("maximum_eta_hold") {
                settings.configuration.amqp.maximumETAHold = try options.duration("maximum_eta_hold")
            }
            if let separator = try options.text("sep") { settings.configuration.redis.separator = separator }
            if let steps = try options.list("priority_steps") {
                let known = steps.compactMap { $0.intValue.flatMap { UInt8(exactly: $0) } }
                guard known.count == steps.count, !known.isEmpty else {
                    throw options.error("needs numbers in priority_steps")
                }
                settings.configuration.redis.prioritySteps = known
            }
            try options.finish()
        },
        Setting("result_backend_transport_options") { section, settings throws(CeleriacError) in
            let object = try section.object("result_backend_transport_options") ?? [:]
            settings.configuration.resultTransportOptions = object
            guard settings.results.map(CeleryTransportFactory.isBuiltIn) ?? true else { return }
            var options = SettingsSection(.object(object), "result_backend_transport_options")
            if let prefix = try options.text("global_keyprefix") { settings.configuration.resultKeyPrefix = prefix }
            try options.finish()
        },

        // Tasks.
        Setting(
            "task_acks_late", "task_acks_on_failure", "task_acks_on_timeout", "task_ignore_result",
            "task_store_errors_even_if_ignored", "task_track_started", "task_time_limit", "task_soft_time_limit",
            "task_default_rate_limit"
        ) { section, settings throws(CeleriacError) in
            settings.configuration.taskDefaults = try taskOptions(
                &section, prefix: "task_", rateLimit: "task_default_rate_limit")
        },
        Setting("task_acks_on_failure_or_timeout") { section, settings throws(CeleriacError) in
            guard let both = try section.flag("task_acks_on_failure_or_timeout") else { return }
            let options = settings.configuration.taskDefaults
            settings.configuration.taskDefaults.acknowledgesOnFailure = options.acknowledgesOnFailure ?? both
            settings.configuration.taskDefaults.acknowledgesOnTimeout = options.acknowledgesOnTimeout ?? both
        },
        Setting("task_reject_on_worker_lost") { section, _ throws(CeleriacError) in
            guard try section.flag("task_reject_on_worker_lost") == false else { return }
            throw section.error(
                "can only take true for task_reject_on_worker_lost: without a worker nobody could store a failure")
        },
        Setting("task_annotations") { section, settings throws(CeleriacError) in
            for (name, value) in try section.object("task_annotations") ?? [:] {
                var annotation = SettingsSection(value, "task_annotations of '\(name)'")
                let options = try taskOptions(&annotation, prefix: "", rateLimit: "rate_limit")
                try annotation.finish()
                settings.configuration.taskAnnotations[name] = options
            }
        },

        // Workers.
        .flag("worker_enable_remote_control", \.configuration.control.isEnabled),
        .flag("worker_send_task_events", \.configuration.control.sendsTaskEvents),
        .count("worker_concurrency", \.worker.concurrency),
        .count("worker_prefetch_multiplier", \.worker.prefetchMultiplier),
    ]

    /// The queue of a route. What else a route may say is followed by no message that goes to a queue by its name.
    private static func queue(
        of route: WireValue, _ task: String, _ section: SettingsSection
    ) throws(CeleriacError) -> String {
        if let queue = route.stringValue, !queue.isEmpty { return queue }
        var options = SettingsSection(route, "task_routes of '\(task)'")
        guard route.objectValue != nil, let queue = try options.text("queue"), !queue.isEmpty else {
            throw section.error("needs a queue for \(task) in task_routes")
        }
        for name in ["exchange", "routing_key"] {
            guard let value = try options.text(name), !value.isEmpty, value != queue else { continue }
            throw options.error("cannot follow \(name): name as its queue the one that the exchange leads to")
        }
        try options.finish()
        return queue
    }

    /// Reads a task's options, which have the same names in the defaults for all tasks and in an annotation of one.
    private static func taskOptions(
        _ section: inout SettingsSection, prefix: String, rateLimit: String
    ) throws(CeleriacError) -> TaskOptions {
        var options = TaskOptions()
        options.acknowledgement = try section.flag(prefix + "acks_late").map { $0 ? .late : .early }
        options.acknowledgesOnFailure = try section.flag(prefix + "acks_on_failure")
        options.acknowledgesOnTimeout = try section.flag(prefix + "acks_on_timeout")
        options.ignoresResult = try section.flag(prefix + "ignore_result")
        options.storesErrorsEvenIfIgnored = try section.flag(prefix + "store_errors_even_if_ignored")
        options.tracksStarted = try section.flag(prefix + "track_started")
        options.timeLimits.hard = try section.duration(prefix + "time_limit")
        options.timeLimits.soft = try section.duration(prefix + "soft_time_limit")
        if let limit = try section.take(rateLimit) {
            guard let text = limit.stringValue ?? limit.intValue.map({ String($0) }), let known = RateLimit(text) else {
                throw section.error("needs a number and s, m or h, as in 10/m, for \(rateLimit)")
            }
            options.rateLimit = known
        }
        return options
    }
}
