import CeleriacCore
import CeleriacWire
import CeleryDialect
import CeleryWire

extension CeleryApp {
    /// The settings that `inspect conf` shows for a worker, under Celery's names. Addresses of brokers and stores have
    /// Celery's mask in the place of passwords.
    func controlSettings(of worker: WorkerConfiguration, control: CeleryControlConfiguration) -> WireObject {
        let heartbeat = configuration.amqp.connections.heartbeat ?? Duration.seconds(120)
        var settings: WireObject = [
            "accept_content": Self.names(configuration.acceptContent),
            "broker_heartbeat": Self.seconds(heartbeat), "deprecated_settings": nil,
            "broker_native_delayed_delivery_queue_type": .string(configuration.amqp.delayQueueType.rawValue),
            "enable_utc": .bool(configuration.usesUTC), "include": [],
            "result_expires": Self.seconds(configuration.resultExpiry),
            "task_acks_late": .bool((worker.taskDefaults.acknowledgement ?? worker.acknowledgement) == .late),
            "task_default_queue": .string(configuration.defaultQueue),
            "task_protocol": .int(Int64(configuration.taskProtocol)),
            "timezone": configuration.timeZone.map { .string($0) } ?? .null,
            "event_serializer": .string(configuration.eventForm.rawValue),
            "worker_concurrency": .int(Int64(worker.concurrency)), "worker_hijack_root_logger": false,
            "worker_log_color": false, "worker_prefetch_multiplier": .int(Int64(worker.prefetchMultiplier)),
            "result_extended": .bool(configuration.resultExtended),
            "result_chord_retry_interval": Self.seconds(configuration.chordRetryInterval),
            "task_serializer": .string(configuration.sendOptions.serializer?.rawValue ?? "json"),
            "task_compression": configuration.sendOptions.compression.map { .string($0.rawValue) } ?? .null,
            "task_default_priority": configuration.sendOptions.priority.map { .int(Int64($0)) } ?? .null,
            "task_routes": .object(WireObject(configuration.routes.all.map { ($0.name, $0.route.settings) })),
            "task_annotations": .object(
                WireObject(
                    worker.taskAnnotations.sorted { $0.key < $1.key }.map { name, options in
                        (name, .object(Self.settings(of: options, prefix: "", rateLimit: "rate_limit")))
                    })),
            "worker_enable_remote_control": .bool(control.isEnabled),
            "event_exchange": .string(control.eventExchange), "control_exchange": .string(control.namespace),
            "control_queue_ttl": Self.seconds(control.queueTTL),
            "control_queue_expires": Self.seconds(control.queueExpiry),
            "control_queue_exclusive": .bool(control.isQueueExclusive),
            "control_queue_durable": .bool(control.isQueueDurable),
            "task_send_sent_event": .bool(configuration.sendsSentEvents),
            "worker_send_task_events": .bool(control.sendsTaskEvents), "task_reject_on_worker_lost": true,
            "broker_transport_options": .object(transportOptions(of: worker)),
            "result_backend_transport_options": ["global_keyprefix": .string(configuration.resultKeyPrefix)],
        ]
        let defaults = Self.settings(of: worker.taskDefaults, prefix: "task_", rateLimit: "task_default_rate_limit")
        let events = eventQueues(control.eventQueue)
        for more in [defaults, behaviour(of: worker), events, publishing, resultForms, addresses, queueSettings] {
            settings.merge(more) { first, _ in first }
        }
        return settings
    }

    /// Where broker and results are, and how they are reached.
    private var addresses: WireObject {
        let amqp = configuration.amqp.connections
        var login = ""
        // The names of these brokers have no login, and none comes without one.
        if broker.brokerDescription.transport == "amqp" {
            login = AddressSettings.encoded(broker.brokerDescription.user ?? "guest") + ":\(SettingSecrets.mask)@"
        }
        let url = broker.name.replacing("amqp://", with: "amqp://\(login)")
            .replacing("amqps://", with: "amqps://\(login)")
        let store = results.map { $0.name.hasPrefix("rpc") ? "rpc://" : $0.name }
        return [
            "broker_url": .string(Self.masked(url)), "result_backend": store.map { .string(Self.masked($0)) } ?? .null,
            "broker_read_url": amqp.readURL.map { SettingSecrets.masked("broker_read_url", .string($0)) } ?? .null,
            "broker_failover_strategy": amqp.isShuffled ? "shuffle" : .null,
            "broker_login_method": amqp.usesCertificate ? "EXTERNAL" : .null,
            "broker_connection_timeout": Self.seconds(
                amqp.timeout ?? configuration.brokerConnections.connectTimeout),
            "broker_use_ssl": amqp.tls.map { Self.encryption($0) } ?? Self.encryption(configuration.brokerConnections),
            "redis_backend_use_ssl": Self.encryption(configuration.resultConnections),
        ]
    }

    /// Celery's mask in the place of our own.
    private static func masked(_ url: String) -> String { url.replacing(":***@", with: ":\(SettingSecrets.mask)@") }

    /// The names of the files of an encrypted connection to RabbitMQ are no secrets.
    private static func encryption(_ tls: CeleryAMQPConnections.TLS) -> WireValue {
        var options: WireObject = ["cert_reqs": tls.isVerified ? "CERT_REQUIRED" : "CERT_NONE"]
        for (name, file) in [("ca_certs", tls.authorities), ("certfile", tls.certificate), ("keyfile", tls.key)] {
            if let file { options[name] = .string(file) }
        }
        let host: WireValue = tls.host.map { .string($0) } ?? .null
        if tls.checksHost { options["server_hostname"] = host }
        return .object(options)
    }

    private static func encryption(_ connections: RedisConnectionOptions) -> WireValue {
        guard let tls = connections.tls else { return .null }
        return .object(WireObject(tls.sorted { $0.key < $1.key }.map { ($0.key, WireValue.string($0.value)) }))
    }

    /// The queues that there are, and how others are made.
    private var queueSettings: WireObject {
        let defaults = configuration.filledQueueDefaults
        let table = configuration.queueTable()
        let defined = configuration.queues.compactMap { table.queue($0.name) }
        func queueType(_ arguments: WireObject) -> WireValue { arguments["x-queue-type"] ?? "classic" }
        return [
            "task_queues": defined.isEmpty ? .null : .array(defined.map { CeleryControlCommand.description(of: $0) }),
            "task_default_exchange": .string(defaults.defaultExchange.name),
            "task_default_exchange_type": .string(defaults.defaultExchange.type),
            "task_default_routing_key": .string(defaults.defaultRoutingKey),
            "task_default_queue_type": queueType(defaults.arguments ?? defaults.missingArguments),
            "task_create_missing_queues": .bool(configuration.createsMissingQueues),
            "task_create_missing_queue_type": queueType(defaults.missingArguments),
            "task_create_missing_queue_exchange_type": .string(defaults.missingExchangeType),
            "task_queue_max_priority": defaults.maximumPriority.map { .int($0) } ?? .null,
            "worker_direct": .bool(configuration.servesDirectQueues),
        ]
    }

    /// The options of the broker.
    private func transportOptions(of worker: WorkerConfiguration) -> WireObject {
        [
            "visibility_timeout": Self.seconds(configuration.redis.visibilityTimeout),
            "global_keyprefix": .string(configuration.redis.keyPrefix),
            "sep": .string(configuration.redis.separator),
            "maximum_eta_hold": Self.seconds(configuration.amqp.maximumETAHold),
            "maximum_parked": worker.maximumParkedMessages.map { .int(Int64($0)) } ?? .null,
            "parked_lifetime": worker.parkedMessageLifetime.map { Self.seconds($0) } ?? .null,
            "dead_letter_exchange": worker.deadLetterExchange.map { .string($0) } ?? .null,
            "dead_letter_routing_key": worker.deadLetterRoutingKey.map { .string($0) } ?? .null,
            "priority_steps": .array(configuration.redis.prioritySteps.map { .int(Int64($0)) }),
            "unacked_key": .string(configuration.redis.claimKeys.messages),
            "unacked_index_key": .string(configuration.redis.claimKeys.index),
            "unacked_mutex_key": .string(configuration.redis.claimKeys.mutex),
            "fanout_prefix": .string(configuration.redis.fanoutPrefix),
            "body_encoding": configuration.redis.bodyEncoding == .base64 ? "base64" : .null,
            "fanout_patterns": .bool(configuration.redis.channelsHaveRoutingKeys),
        ]
    }

    /// The queues of those who hear events.
    private func eventQueues(_ queue: EventQueue) -> WireObject {
        [
            "event_queue_prefix": .string(queue.name), "event_queue_ttl": Self.seconds(queue.lifetime),
            "event_queue_expires": Self.seconds(queue.expiry), "event_queue_exclusive": .bool(queue.isExclusive),
            "event_queue_durable": .bool(queue.isDurable),
        ]
    }

    /// How a worker behaves.
    private func behaviour(of worker: WorkerConfiguration) -> WireObject {
        [
            "worker_deduplicate_successful_tasks": .bool(worker.deduplicatesSuccessfulTasks),
            "broker_connection_retry": .bool(worker.retriesLostConnection),
            "broker_connection_retry_on_startup": .bool(worker.retriesFirstConnection),
            "broker_connection_max_retries": worker.maximumFirstRetries.map { .int(Int64($0)) } ?? .null,
            "worker_eta_task_limit": worker.maximumScheduledTasks.map { .int(Int64($0)) } ?? .null,
            "worker_soft_shutdown_timeout": .double(worker.softShutdownTimeout / .seconds(1)),
            "worker_enable_soft_shutdown_on_idle": .bool(worker.softShutdownIsForIdle),
            "worker_disable_prefetch": .bool(worker.disablesPrefetch),
            "worker_disable_rate_limits": .bool(worker.disablesRateLimits),
            "result_chord_expires": configuration.chordExpiry.map { Self.seconds($0) } ?? .null,
            "result_failure_expires": configuration.failureExpiry.map { Self.seconds($0) } ?? .null,
            "worker_cancel_long_running_tasks_on_connection_loss": .bool(worker.cancelsTasksOnConnectionLoss),
            "worker_state_db": worker.stateFile.map { .string($0) } ?? .null,
        ]
    }

    /// How tasks are sent.
    private var publishing: WireObject {
        [
            "task_default_delivery_mode": .int(Int64(configuration.deliveryMode)),
            "task_repr_maxlevels": .int(Int64(configuration.shownLevels)),
            "task_inherit_parent_priority": .bool(configuration.inheritsParentPriority),
            "task_always_eager": .bool(configuration.runsTasksEagerly),
            "task_eager_propagates": .bool(configuration.throwsEagerFailures),
            "task_store_eager_result": .bool(configuration.storesEagerResults),
            "task_publish_retry": .bool(configuration.publishRetries != 0),
            "task_publish_retry_policy": [
                "max_retries": configuration.publishRetry.maximumRetries.map { .int(Int64($0)) } ?? .null,
                "interval_start": Self.seconds(configuration.publishRetry.start),
                "interval_step": Self.seconds(configuration.publishRetry.step),
                "interval_max": Self.seconds(configuration.publishRetry.maximum),
            ],
        ]
    }

    /// In what forms results are written and read.
    private var resultForms: WireObject {
        [
            "result_serializer": .string(configuration.resultSerializer.rawValue),
            "result_accept_content": configuration.resultAcceptContent.map { Self.names($0) } ?? .null,
            "result_compression": configuration.resultCompression.map { .string($0.rawValue) } ?? .null,
            "result_persistent": .bool(configuration.resultPersistent),
        ]
    }

    private static func names(_ serializers: Set<CelerySerializer>) -> WireValue {
        .array(serializers.map(\.rawValue).sorted().map { .string($0) })
    }

    private static func seconds(_ duration: Duration?) -> WireValue {
        guard let duration else { return .null }
        let seconds = duration / .seconds(1)
        return Int64(exactly: seconds).map { .int($0) } ?? .double(seconds)
    }

    /// The options of tasks that are set, under Celery's names.
    private static func settings(of options: TaskOptions, prefix: String, rateLimit: String) -> WireObject {
        let named: [(String, WireValue?)] = [
            (prefix + "acks_late", options.acknowledgement.map { .bool($0 == .late) }),
            (prefix + "acks_on_failure", options.acknowledgesOnFailure.map { .bool($0) }),
            (prefix + "acks_on_timeout", options.acknowledgesOnTimeout.map { .bool($0) }),
            (prefix + "ignore_result", options.ignoresResult.map { .bool($0) }),
            (prefix + "store_errors_even_if_ignored", options.storesErrorsEvenIfIgnored.map { .bool($0) }),
            (prefix + "track_started", options.tracksStarted.map { .bool($0) }),
            (prefix + "time_limit", options.timeLimits.hard.map { .double($0 / .seconds(1)) }),
            (prefix + "soft_time_limit", options.timeLimits.soft.map { .double($0 / .seconds(1)) }),
            (rateLimit, options.rateLimit.map { .string($0.description) }),
            ("max_retries", options.retryLimit.map { $0 < Int.max ? .int(Int64($0)) : .null }),
            ("default_retry_delay", options.retryDelay.map { .double($0 / .seconds(1)) }),
        ]
        return WireObject(named.compactMap { name, value in value.map { (name, $0) } })
    }
}
