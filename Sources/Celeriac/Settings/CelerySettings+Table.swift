import CeleriacCore
import CeleriacWire
import CeleryDialect
import CeleryWire

extension CelerySettings {
    /// The names that the table reads.
    static let readNames = table.flatMap(\.names)

    /// All settings that are understood here, in the order in which they are read.
    static let table = connectionTable + taskTable + workerTable

    /// The settings of tasks, results and transports.
    private static let taskTable: [Setting] = [
        Setting(names: ["result_backend"] + AddressSettings.results) { section, settings throws(CeleriacError) in
            let given = AddressSettings.results.filter { section.peek($0)?.isNull == false }
            guard let backend = try section.text("result_backend") ?? settings.results else {
                settings.notices += given.map { "\($0) has no effect unless result_backend is redis" }
                return
            }
            let url = try AddressSettings.resultsURL(backend, &section)
            settings.results = url
            guard url == backend else { return }
            settings.notices += given.map { "\($0) has no effect beside the result store's URL: write it into that" }
        },
        RedisConnectionOptions.resultSettings,

        // Sending.
        Setting("task_default_queue") { section, settings throws(CeleriacError) in
            if let queue = try section.text("task_default_queue") { settings.configuration.defaultQueue = queue }
        },
        .text("task_default_routing_key", \.configuration.defaultRoutingKey),
        Setting("task_default_exchange", "task_default_exchange_type") { section, settings throws(CeleriacError) in
            let name = try section.text("task_default_exchange")
            let type = try section.text("task_default_exchange_type")
            guard name != nil || type != nil else { return }
            settings.configuration.defaultExchange = TaskQueue.Exchange(
                name ?? settings.configuration.defaultQueue, type: type ?? "direct")
        },
        .flag("task_create_missing_queues", \.configuration.createsMissingQueues),
        Setting("task_create_missing_queue_type", "task_default_queue_type") {
            section, settings throws(CeleriacError) in
            if let arguments = try queueArguments(ofType: "task_create_missing_queue_type", &section) {
                settings.configuration.queueDefaults.missingArguments = arguments
            }
            settings.configuration.queueDefaults.arguments =
                try queueArguments(ofType: "task_default_queue_type", &section) ?? [:]
        },
        Setting("broker_native_delayed_delivery_queue_type") { section, settings throws(CeleriacError) in
            guard let name = try section.text("broker_native_delayed_delivery_queue_type") else { return }
            guard let type = CeleryAMQPOptions.DelayQueueType(rawValue: name) else {
                throw section.error("needs classic or quorum for broker_native_delayed_delivery_queue_type")
            }
            settings.configuration.amqp.delayQueueType = type
        },
        Setting("task_create_missing_queue_exchange_type") { section, settings throws(CeleriacError) in
            guard let type = try section.text("task_create_missing_queue_exchange_type") else { return }
            settings.configuration.queueDefaults.missingExchangeType = type
        },
        Setting("task_queue_max_priority") { section, settings throws(CeleriacError) in
            settings.configuration.queueDefaults.maximumPriority =
                try section.count("task_queue_max_priority").map { Int64($0) }
        },
        Setting("task_queues") { section, settings throws(CeleriacError) in
            guard let value = try section.take("task_queues") else { return }
            settings.configuration.queues = try QueueSettings.queues(
                value, defaults: settings.configuration.filledQueueDefaults)
        },
        .flag("worker_direct", \.configuration.servesDirectQueues),
        Setting("task_routes") { section, settings throws(CeleriacError) in
            guard let value = try section.take("task_routes") else { return }
            var remarks = SettingRemarks()
            settings.configuration.routes = try RouteSettings.routes(value, &remarks)
            settings.add(remarks)
        },
        Setting("task_protocol") { section, settings throws(CeleriacError) in
            guard let version = try section.count("task_protocol") else { return }
            guard 1...2 ~= version else { throw section.error("needs 1 or 2 for task_protocol") }
            settings.configuration.taskProtocol = version
        },
        Setting("accept_content") { section, settings throws(CeleriacError) in
            guard let known = try serializers("accept_content", &section, &settings.notices) else { return }
            settings.configuration.acceptContent = known
        },
        Setting("task_serializer") { section, settings throws(CeleriacError) in
            guard let name = try section.text("task_serializer") else { return }
            guard let known = CelerySerializer(rawValue: name), known != .pickle else {
                throw section.error("needs json, msgpack, yaml or auth for task_serializer" + reason(of: name))
            }
            settings.configuration.sendOptions.serializer = Serializer(rawValue: name)
        },
        Setting("task_compression") { section, settings throws(CeleriacError) in
            if let name = try compression("task_compression", &section) {
                settings.configuration.sendOptions.compression = name
            }
        },
        Setting("task_default_priority") { section, settings throws(CeleriacError) in
            guard let priority = try section.number("task_default_priority") else { return }
            guard let known = UInt8(exactly: priority) else {
                throw section.error("needs 0 to 255 for task_default_priority")
            }
            settings.configuration.sendOptions.priority = known
        },

        .flag("task_inherit_parent_priority", \.configuration.inheritsParentPriority),
        Setting("task_default_delivery_mode") { section, settings throws(CeleriacError) in
            guard let mode = try section.deliveryMode("task_default_delivery_mode") else { return }
            settings.configuration.deliveryMode = mode
        },
        Setting("task_repr_maxlevels") { section, settings throws(CeleriacError) in
            // As in Celery, null and zero show all levels.
            guard let number = try section.number("task_repr_maxlevels") else {
                settings.configuration.shownLevels = 0
                return
            }
            guard let levels = Int(exactly: number), levels >= 0 else {
                throw section.error("needs a number, 0 or more, for task_repr_maxlevels")
            }
            settings.configuration.shownLevels = levels
        },
        Setting("task_publish_retry", "task_publish_retry_policy") { section, settings throws(CeleriacError) in
            if let policy = try section.object("task_publish_retry_policy") {
                var remarks = SettingRemarks()
                settings.configuration.publishRetry = try publishRetry(policy, &remarks)
                settings.add(remarks)
            }
            if try section.flag("task_publish_retry") == false { settings.configuration.publishRetries = 0 }
        },
        .flag("task_allow_error_cb_on_chord_header", \.configuration.linksErrorsInHeaders),
        .flag("task_always_eager", \.configuration.runsTasksEagerly),
        .flag("task_eager_propagates", \.configuration.throwsEagerFailures),
        .flag("task_store_eager_result", \.configuration.storesEagerResults),
        .flag("task_send_sent_event", \.configuration.sendsSentEvents),

        Setting("event_exchange") { section, settings throws(CeleriacError) in
            if let name = try section.text("event_exchange") { settings.configuration.control.eventExchange = name }
        },
        Setting(
            "event_queue_prefix", "event_queue_ttl", "event_queue_expires", "event_queue_exclusive",
            "event_queue_durable"
        ) { section, settings throws(CeleriacError) in
            var queue = settings.configuration.control.eventQueue
            if let prefix = try section.text("event_queue_prefix"), !prefix.isEmpty { queue.name = prefix }
            // Null is for ever; an absent setting leaves the default.
            if section.has("event_queue_ttl") { queue.lifetime = try section.duration("event_queue_ttl") }
            if section.has("event_queue_expires") { queue.expiry = try section.duration("event_queue_expires") }
            // Both together only concern those who hear events, and are refused there, as in Celery.
            if let flag = try section.flag("event_queue_exclusive") { queue.isExclusive = flag }
            if let flag = try section.flag("event_queue_durable") { queue.isDurable = flag }
            settings.configuration.control.eventQueue = queue
        },
        Setting("event_serializer") { section, settings throws(CeleriacError) in
            guard let name = try section.text("event_serializer") else { return }
            let known = CelerySerializer(rawValue: name)
            settings.configuration.signsEvents = known == .auth
            guard let known, known != .pickle else {
                settings.configuration.eventSerializer = .json
                settings.notices.append(
                    "event_serializer is \(name): events are JSON instead, which receivers read whatever this says")
                return
            }
            if known != .auth { settings.configuration.eventSerializer = known }
        },
        // After the settings that say whether anything is signed.
        Setting(
            "security_key", "security_key_password", "security_certificate", "security_cert_store", "security_digest"
        ) { section, settings throws(CeleriacError) in
            try readSecurity(&section, &settings)
        },

        // Results.
        Setting("result_expires") { section, settings throws(CeleriacError) in
            // Null and zero keep results for ever; an absent setting leaves the default.
            guard section.has("result_expires") else { return }
            settings.configuration.resultExpiry = try section.duration("result_expires")
        },
        Setting("result_failure_expires") { section, settings throws(CeleriacError) in
            guard let expiry = try section.duration("result_failure_expires") else { return }
            settings.configuration.failureExpiry = expiry
        },
        Setting("result_chord_expires") { section, settings throws(CeleriacError) in
            guard let expiry = try section.duration("result_chord_expires") else { return }
            settings.configuration.chordExpiry = expiry
        },
        .flag("result_extended", \.configuration.resultExtended),
        Setting("result_serializer") { section, settings throws(CeleriacError) in
            guard let name = try section.text("result_serializer") else { return }
            guard let known = CelerySerializer(rawValue: name), known != .pickle, known != .auth else {
                throw section.error("needs json, msgpack or yaml for result_serializer" + reason(of: name))
            }
            settings.configuration.resultSerializer = known
        },
        Setting("result_accept_content") { section, settings throws(CeleriacError) in
            guard let known = try serializers("result_accept_content", &section, &settings.notices) else { return }
            settings.configuration.resultAcceptContent = known
        },
        Setting("result_compression") { section, settings throws(CeleriacError) in
            if let name = try compression("result_compression", &section) {
                settings.configuration.resultCompression = name
            }
        },
        .flag("result_persistent", \.configuration.resultPersistent),
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
            // They are read again where connections are made, also from a program's own options.
            var connections = RedisConnectionOptions()
            try connections.read(&options)
            settings.notices += RedisConnectionOptions.notices(of: object, "broker_transport_options")
            if let timeout = try options.duration("visibility_timeout") {
                settings.configuration.redis.visibilityTimeout = timeout
            }
            if let prefix = try options.text("global_keyprefix") { settings.configuration.redis.keyPrefix = prefix }
            if options.has("maximum_eta_hold") {
                settings.configuration.amqp.maximumETAHold = try options.duration("maximum_eta_hold")
            }
            if let limit = try options.count("maximum_parked") { settings.worker.maximumParkedMessages = limit }
            if let age = try options.duration("parked_lifetime") { settings.worker.parkedMessageLifetime = age }
            if let name = try options.text("dead_letter_exchange") { settings.worker.deadLetterExchange = name }
            if let key = try options.text("dead_letter_routing_key") { settings.worker.deadLetterRoutingKey = key }
            if try options.flag("confirm_publish") == false {
                settings.notices.append(
                    "broker_transport_options sets confirm_publish to false, which has no effect: every message is"
                        + " confirmed")
            }
            try readKeys(&options, &settings.configuration.redis)
            try readFolders(&options, &settings)
            var remarks = SettingRemarks()
            options.finish(&remarks)
            settings.add(remarks)
        },
        Setting("result_backend_transport_options") { section, settings throws(CeleriacError) in
            let object = try section.object("result_backend_transport_options") ?? [:]
            settings.configuration.resultTransportOptions = object
            guard settings.results.map(CeleryTransportFactory.isBuiltIn) ?? true else { return }
            var options = SettingsSection(.object(object), "result_backend_transport_options")
            var connections = RedisConnectionOptions()
            try connections.read(&options)
            settings.notices += RedisConnectionOptions.notices(of: object, "result_backend_transport_options")
            if let prefix = try options.text("global_keyprefix") { settings.configuration.resultKeyPrefix = prefix }
            if try options.duration("visibility_timeout") != nil {
                settings.notices.append(
                    "result_backend_transport_options sets visibility_timeout, which has no effect: results are not claimed"
                )
            }
            var remarks = SettingRemarks()
            options.finish(&remarks, idle: [("results have no envelopes", ["body_encoding"])])
            settings.add(remarks)
        },

        // Tasks.
        Setting(
            "task_acks_late", "task_acks_on_failure", "task_acks_on_timeout", "task_ignore_result",
            "task_store_errors_even_if_ignored", "task_track_started", "task_time_limit", "task_soft_time_limit",
            "task_default_rate_limit"
        ) { section, settings throws(CeleriacError) in
            let options = try taskOptions(&section, prefix: "task_", rateLimit: "task_default_rate_limit")
            settings.configuration.taskDefaults = options.over(settings.configuration.taskDefaults)
        },
        Setting("task_acks_on_failure_or_timeout") { section, settings throws(CeleriacError) in
            guard let both = try section.flag("task_acks_on_failure_or_timeout") else { return }
            let options = settings.configuration.taskDefaults
            settings.configuration.taskDefaults.acknowledgesOnFailure = options.acknowledgesOnFailure ?? both
            settings.configuration.taskDefaults.acknowledgesOnTimeout = options.acknowledgesOnTimeout ?? both
        },
        Setting("task_reject_on_worker_lost") { section, settings throws(CeleriacError) in
            guard try section.flag("task_reject_on_worker_lost") == false else { return }
            settings.notices.append(
                "task_reject_on_worker_lost is false, but late messages of a lost worker come back: without a worker nobody "
                    + "could store a failure")
        },
        Setting("task_annotations") { section, settings throws(CeleriacError) in
            guard let value = try section.take("task_annotations") else { return }
            var remarks = SettingRemarks()
            let read = try annotations(value, &remarks)
            settings.add(remarks)
            settings.configuration.taskAnnotations.merge(read) { $1 }
        },
    ]

    /// Reads the keys of an application that signs anything. As in Celery, nobody reads them for another.
    private static func readSecurity(
        _ section: inout SettingsSection, _ settings: inout CelerySettings
    ) throws(CeleriacError) {
        let key = try section.text("security_key")
        let password = try section.text("security_key_password")
        let certificate = try section.text("security_certificate")
        let store = try section.text("security_cert_store")
        let digest = try section.text("security_digest") ?? "sha256"
        guard settings.configuration.usesSignatures else {
            if key != nil || certificate != nil || store != nil {
                settings.notices.append(
                    section.error(
                        "sets security_key and its kin, which have no effect: auth is neither task_serializer nor "
                            + "event_serializer nor in accept_content"
                    ).message)
            }
            return
        }
        guard let key, let certificate, let store else {
            throw section.error("needs security_key, security_certificate and security_cert_store for auth")
        }
        settings.configuration.security = try CelerySecurity(
            key: key, keyPassword: password, certificate: certificate, certificateStore: store, digest: digest)
    }

    /// Reads a list of serializers, by name or content type; nil if it is not set. Pickle is none of them, and told of
    /// beside others.
    private static func serializers(
        _ name: String, _ section: inout SettingsSection, _ notices: inout [String]
    ) throws(CeleriacError) -> Set<CelerySerializer>? {
        guard let list = try section.list(name) else { return nil }
        var known = list.compactMap { entry in
            entry.stringValue.flatMap { CelerySerializer(rawValue: $0) ?? CelerySerializer(contentType: $0) }
        }
        let mayBeSigned = name != "result_accept_content"
        let isComplete = known.count == list.count && (mayBeSigned || !known.contains(.auth))
        let hasPickle = known.contains(.pickle)
        known.removeAll { $0 == .pickle }
        guard isComplete, !(hasPickle && known.isEmpty) else {
            throw section.error("needs json, msgpack\(mayBeSigned ? ", yaml or auth" : " or yaml") in \(name)")
        }
        if hasPickle {
            notices.append("\(name) has pickle, which is refused in any case: it can run code")
        }
        return Set(known)
    }

    /// Why a serializer is refused, as the end of a sentence; empty for a name that nobody knows.
    private static func reason(of serializer: String) -> String {
        serializer == CelerySerializer.pickle.rawValue ? ": a pickle can run code, and only Python reads it" : ""
    }

    /// Reads the name of a compression method; nil if it is not set.
    private static func compression(
        _ name: String, _ section: inout SettingsSection
    ) throws(CeleriacError) -> Compression? {
        guard let text = try section.text(name), !text.isEmpty else { return nil }
        guard let known = CompressionMethod(celeryName: text) else {
            throw section.error("needs gzip, bzip2, lzma or zstd for \(name)")
        }
        guard known.isAvailable else {
            throw section.error("needs a build with the package trait Compression for \(name): \(text)")
        }
        return Compression(rawValue: text)
    }

    /// The arguments of queues of the type that a setting names; nil if it is not set.
    private static func queueArguments(
        ofType name: String, _ section: inout SettingsSection
    ) throws(CeleriacError) -> WireObject? {
        switch try section.text(name) {
        case nil: return nil
        case "classic"?: return [:]
        case "quorum"?: return ["x-queue-type": "quorum"]
        default: throw section.error("needs classic or quorum for \(name)")
        }
    }

    /// Reads a policy of retries. What it leaves out is as kombu has it: for ever, a second apart.
    private static func publishRetry(
        _ policy: WireObject, _ remarks: inout SettingRemarks
    ) throws(CeleriacError) -> PublishRetry {
        var section = SettingsSection(.object(policy), "task_publish_retry_policy")
        var retry = PublishRetry(maximumRetries: nil, start: .seconds(1), step: .seconds(1), maximum: .seconds(1))
        if let value = try section.take("max_retries") {
            guard let count = value.intValue, count >= 0 else {
                throw section.error("needs a number, 0 or more, for max_retries")
            }
            retry.maximumRetries = count
        }
        if let start = try section.duration("interval_start") { retry.start = start }
        if let step = try section.duration("interval_step") { retry.step = step }
        if let maximum = try section.duration("interval_max") { retry.maximum = maximum }
        section.finish(&remarks, idle: [("it names Python code", ["errback", "retry_errors"])])
        return retry
    }
}
