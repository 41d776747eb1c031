import CeleriacCore
import CeleriacWire

/// Celery's names of settings, and what is done about those that the table of ``CelerySettings`` does not read.
enum SettingNames {
    /// All names that are known here.
    static let all: [String] =
        CelerySettings.readNames + idle.flatMap(\.names) + inherent.keys.sorted()

    private static let known = Set(all)

    static func isKnown(_ name: String) -> Bool {
        known.contains(name) || storePrefixes.contains { name.hasPrefix($0) }
    }

    /// Settings that have no effect here, by the reason.
    private static let idle: [(reason: String, names: [String])] = [
        (
            "handlers run in this process, not in children",
            [
                "worker_max_memory_per_child", "worker_max_tasks_per_child", "worker_pool_putlocks",
                "worker_pool_restarts", "worker_pool_start_method", "worker_lost_wait", "worker_proc_alive_timeout",
            ]
        ),
        ("handlers are compiled into the program", ["imports", "include"]),
        (
            "it names Python code",
            ["worker_agent", "worker_autoscaler", "worker_consumer", "worker_timer", "task_remote_tracebacks"]
        ),
        (
            "logs are written by swift-log",
            [
                "worker_hijack_root_logger", "worker_log_color", "worker_log_datefmt", "worker_log_format",
                "worker_redirect_stdouts", "worker_redirect_stdouts_level", "worker_task_log_datefmt",
                "worker_task_log_format",
            ]
        ),
        (
            "connections are shared, there is no pool",
            ["broker_pool_acquire_timeout", "broker_pool_limit", "redis_max_connections"]
        ),
        (
            "it is always so here",
            [
                "broker_channel_error_retry", "redis_retry_on_timeout", "result_backend_always_retry",
                "result_backend_base_sleep_between_retries_ms", "result_backend_max_retries",
                "result_backend_max_sleep_between_retries_ms", "worker_detect_quorum_queues",
                "worker_enable_prefetch_count_reduction", "beat_sync_every",
            ]
        ),
        ("timers need no such setting", ["broker_heartbeat_checkrate", "worker_timer_precision"]),
        (
            "only receivers of events declare these queues",
            [
                "event_queue_durable", "event_queue_exclusive", "event_queue_expires", "event_queue_prefix",
                "event_queue_ttl",
            ]
        ),
        ("it has no effect at Celery either", ["result_exchange", "result_exchange_type", "deprecated_settings"]),
        ("clients keep no results in memory", ["result_cache_max"]),
        ("that file is Python's: worker --schedule and beat --state name ours", ["beat_schedule_filename"]),
        (
            "connections need no such setting",
            [
                "redis_backend_health_check_interval", "redis_socket_keepalive", "result_backend_thread_safe",
                "override_backends",
            ]
        ),
    ]

    /// The beginnings of names that only tell of result stores that do not exist here: `result_backend` alone says which
    /// store is used.
    private static let storePrefixes = [
        "arangodb_", "azureblockblob_", "cache_backend", "cassandra_", "cosmosdbsql_", "couchbase_", "database_",
        "dynamodb_", "elasticsearch_", "firestore_", "gcs_", "mongodb_", "s3_",
    ]

    /// Why a setting has no effect here; nil for any other.
    static func reasonWithoutEffect(of name: String) -> String? {
        if storePrefixes.contains(where: { name.hasPrefix($0) }) {
            return "result_backend alone chooses the result store"
        }
        return idle.first { $0.names.contains(name) }?.reason
    }

    /// Settings of which only these values can be followed: what happens here in any case. Null is always one of them.
    private static let inherent: [String: [WireValue]] = [
        "beat_enable_remote_control": [false], "beat_remote_control_max_tick_age": [],
        "beat_scheduler": ["celery.beat:PersistentScheduler", "celery.beat:Scheduler"],
        "broker_connection_max_retries": [], "broker_connection_retry": [true],
        "broker_host": [], "broker_password": [], "broker_port": [],
        "broker_transport": [], "broker_user": [], "broker_vhost": [],
        "event_exchange": ["celeryev"],
        "redis_db": [], "redis_host": [], "redis_port": [],
        "redis_backend_credential_provider": [], "result_chord_expires": [],
        "result_chord_join_timeout": [3, 3.0], "result_failure_expires": [],
        "task_allow_error_cb_on_chord_header": [false],
        "task_default_delivery_mode": [2, "persistent"],
        "task_repr_maxlevels": [3],
        "task_retry_on_worker_lost": [false],
        "worker_disable_rate_limits": [false],
    ]

    /// Refuses a setting that no row of the table reads and whose value asks for what does not happen here.
    static func check(_ name: String, _ value: WireValue, in place: String) throws(CeleriacError) {
        guard let values = inherent[name], !value.isNull, !values.contains(value) else { return }
        let hint =
            values.isEmpty ? "leave it out" : "leave it out, or set it to \(values.map(text).joined(separator: " or "))"
        throw CeleriacError(.configuration, "\(place) sets \(name), which cannot be followed yet: \(hint)")
    }

    private static func text(_ value: WireValue) -> String {
        (try? WireJSON.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "\(value)"
    }
}
