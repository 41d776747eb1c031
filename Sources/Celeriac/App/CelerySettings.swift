public import CeleriacCore
import CeleriacWire
import CeleryDialect
import CeleryWire

/// An application's settings by Celery's own names, from a YAML file or from the environment.
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
/// | `task_default_queue`, `task_routes`, `task_default_priority` | how tasks are sent |
/// | `task_acks_late`, `task_acks_on_failure`, `task_acks_on_timeout`, `task_acks_on_failure_or_timeout`, `task_ignore_result`, `task_store_errors_even_if_ignored`, `task_track_started`, `task_time_limit`, `task_soft_time_limit`, `task_default_rate_limit` | ``CeleryConfiguration/taskDefaults`` |
/// | `task_annotations` | ``CeleryConfiguration/taskAnnotations``: by task, or `*` for all, the names `acks_late`, `acks_on_failure`, `acks_on_timeout`, `ignore_result`, `store_errors_even_if_ignored`, `track_started`, `time_limit`, `soft_time_limit`, `rate_limit` |
/// | `task_reject_on_worker_lost` | `true` only: a late message of a worker that is gone always goes back, since nobody is left who could store its failure |
/// | `result_expires`, `result_extended`, `result_chord_retry_interval` | results |
/// | `worker_concurrency`, `worker_prefetch_multiplier`, `worker_send_task_events`, `worker_enable_remote_control` | workers |
/// | `broker_transport_options` | `visibility_timeout`, `global_keyprefix`, `priority_steps`, `sep` |
/// | `result_backend_transport_options` | `global_keyprefix` |
///
/// A name that is not listed is an error in a file, so that no setting is passed over without a word.
public struct CelerySettings: Sendable {
    /// `broker_url`.
    public var broker: String?
    /// `result_backend`.
    public var results: String?
    /// The application's configuration.
    public var configuration: CeleryConfiguration
    /// How workers work.
    public var worker: WorkerConfiguration

    /// Reads settings.
    ///
    /// - Parameter yaml: UTF-8.
    /// - Throws: ``CeleriacError`` with code `configuration`, whose message names the setting.
    public init(yaml: [UInt8]) throws(CeleriacError) {
        do {
            try self.init(try WireYAML.decode(yaml), place: "the settings")
        } catch let error as CeleriacError {
            throw error
        } catch {
            throw CeleriacError(.configuration, "the settings are no YAML", cause: error)
        }
    }

    /// Reads the listed settings from variables such as `CELERY_TASK_ACKS_LATE`, whose values are YAML. Others are not
    /// looked at.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration`, whose message names the setting.
    public init(environment: [String: String], prefix: String = "CELERY_") throws(CeleriacError) {
        var settings: WireObject = [:]
        for name in Self.names {
            guard let text = environment[prefix + name.uppercased()] else { continue }
            do {
                settings[name] = try WireYAML.decode(Array(text.utf8))
            } catch {
                throw CeleriacError(
                    .configuration, "the variable \(prefix + name.uppercased()) is no YAML", cause: error)
            }
        }
        try self.init(.object(settings), place: "the environment")
    }

    private static let names = [
        "accept_content", "broker_transport_options", "broker_url", "result_backend",
        "result_backend_transport_options", "result_chord_retry_interval", "result_expires", "result_extended",
        "task_acks_late", "task_acks_on_failure", "task_acks_on_failure_or_timeout", "task_acks_on_timeout",
        "task_annotations", "task_compression", "task_default_priority", "task_default_queue",
        "task_default_rate_limit", "task_ignore_result", "task_protocol", "task_reject_on_worker_lost", "task_routes",
        "task_serializer", "task_soft_time_limit", "task_store_errors_even_if_ignored", "task_time_limit",
        "task_track_started", "worker_concurrency", "worker_enable_remote_control", "worker_prefetch_multiplier",
        "worker_send_task_events",
    ]

    private init(_ value: WireValue, place: String) throws(CeleriacError) {
        var section = SettingsSection(value, place)
        var configuration = CeleryConfiguration()
        broker = try section.text("broker_url")
        results = try section.text("result_backend")
        try Self.readMessages(&section, &configuration)
        try Self.readResults(&section, &configuration)
        try Self.readTransports(&section, &configuration)
        configuration.taskDefaults = try Self.taskDefaults(&section)
        for (name, value) in try section.object("task_annotations") ?? [:] {
            configuration.taskAnnotations[name] = try Self.annotation(value, of: name)
        }
        if let enabled = try section.flag("worker_enable_remote_control") { configuration.control.isEnabled = enabled }
        if let sends = try section.flag("worker_send_task_events") { configuration.control.sendsTaskEvents = sends }
        var worker = WorkerConfiguration(queues: [configuration.defaultQueue])
        if let count = try section.count("worker_concurrency") { worker.concurrency = count }
        if let count = try section.count("worker_prefetch_multiplier") { worker.prefetchMultiplier = count }
        try section.finish()
        self.configuration = configuration
        self.worker = worker
    }

    // MARK: Sending

    private static func readMessages(
        _ section: inout SettingsSection, _ configuration: inout CeleryConfiguration
    ) throws(CeleriacError) {
        if let queue = try section.text("task_default_queue") { configuration.defaultQueue = queue }
        for (task, route) in try section.object("task_routes") ?? [:] {
            guard let queue = route.stringValue ?? route["queue"]?.stringValue else {
                throw section.error("wants a queue for \(task) in task_routes")
            }
            configuration.routes[task] = queue
        }
        if let version = try section.count("task_protocol") {
            guard 1...2 ~= version else { throw section.error("wants 1 or 2 for task_protocol") }
            configuration.taskProtocol = version
        }
        if let names = try section.list("accept_content") {
            let known = names.compactMap { $0.stringValue.flatMap { CelerySerializer(rawValue: $0) } }
            guard known.count == names.count, !known.contains(.pickle) else {
                throw section.error("wants json, msgpack or yaml in accept_content")
            }
            configuration.acceptContent = Set(known)
        }
        configuration.sendOptions.serializer = try section.text("task_serializer").map { Serializer(rawValue: $0) }
        configuration.sendOptions.compression = try section.text("task_compression").map { Compression(rawValue: $0) }
        if let priority = try section.number("task_default_priority") {
            guard let known = UInt8(exactly: priority) else {
                throw section.error("wants 0 to 255 for task_default_priority")
            }
            configuration.sendOptions.priority = known
        }
    }

    private static func readResults(
        _ section: inout SettingsSection, _ configuration: inout CeleryConfiguration
    ) throws(CeleriacError) {
        // Null means for ever, which is not what is meant where nothing is said.
        if section.has("result_expires") {
            configuration.resultExpiry = try section.duration("result_expires")
        }
        if let extended = try section.flag("result_extended") { configuration.resultExtended = extended }
        if let interval = try section.duration("result_chord_retry_interval") {
            configuration.chordRetryInterval = interval
        }
    }

    private static func readTransports(
        _ section: inout SettingsSection, _ configuration: inout CeleryConfiguration
    ) throws(CeleriacError) {
        var broker = SettingsSection(
            .object(try section.object("broker_transport_options") ?? [:]), "broker_transport_options")
        if let timeout = try broker.duration("visibility_timeout") { configuration.redis.visibilityTimeout = timeout }
        if let prefix = try broker.text("global_keyprefix") { configuration.redis.keyPrefix = prefix }
        if let separator = try broker.text("sep") { configuration.redis.separator = separator }
        if let steps = try broker.list("priority_steps") {
            let known = steps.compactMap { $0.intValue.flatMap { UInt8(exactly: $0) } }
            guard known.count == steps.count, !known.isEmpty else {
                throw broker.error("wants numbers in priority_steps")
            }
            configuration.redis.prioritySteps = known
        }
        try broker.finish()
        var results = SettingsSection(
            .object(try section.object("result_backend_transport_options") ?? [:]), "result_backend_transport_options")
        if let prefix = try results.text("global_keyprefix") { configuration.resultKeyPrefix = prefix }
        try results.finish()
    }

    // MARK: Tasks

    private static func taskDefaults(_ section: inout SettingsSection) throws(CeleriacError) -> TaskOptions {
        var options = try taskOptions(&section, prefix: "task_", rateLimit: "task_default_rate_limit")
        if let both = try section.flag("task_acks_on_failure_or_timeout") {
            options.acknowledgesOnFailure = options.acknowledgesOnFailure ?? both
            options.acknowledgesOnTimeout = options.acknowledgesOnTimeout ?? both
        }
        if try section.flag("task_reject_on_worker_lost") == false {
            throw section.error(
                "can only take true for task_reject_on_worker_lost: without a worker nobody could store a failure")
        }
        return options
    }

    private static func annotation(_ value: WireValue, of task: String) throws(CeleriacError) -> TaskOptions {
        var section = SettingsSection(value, "task_annotations of '\(task)'")
        let options = try taskOptions(&section, prefix: "", rateLimit: "rate_limit")
        try section.finish()
        return options
    }

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
                throw section.error("wants a number and s, m or h, as in 10/m, for \(rateLimit)")
            }
            options.rateLimit = known
        }
        return options
    }
}
