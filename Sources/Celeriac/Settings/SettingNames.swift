import CeleriacCore
import CeleriacWire

/// Celery's names of settings, and what is done about each. `Compat/SETTINGS.md` shows the verdicts.
package enum SettingNames {
    /// All names that are known here.
    package static let all: [String] =
        CelerySettings.readNames + idle.flatMap(\.names) + stores + inherent.map(\.name)

    /// The settings of Celery 5.7, in the order of the alphabet.
    package static let celery: [String] = all.filter { !additional.contains($0) }.sorted()

    /// What is known beside Celery's own list: settings of ours, and those that Celery reads without listing them.
    private static let additional: Set<String> = [
        "deprecated_settings", "missed_runs", "override_backends", "redis_backend_credential_provider",
        "redis_backend_health_check_interval", "redis_client_name", "result_backend_thread_safe",
    ]

    /// Those that are text whatever they look like, and that a program which fills in variables gets from somebody else.
    static let texts: Set<String> = [
        "broker_host", "broker_password", "broker_transport", "broker_user", "broker_vhost", "control_exchange",
        "event_exchange", "event_queue_prefix", "redis_client_name", "redis_host", "redis_password", "redis_username",
        "result_backend", "security_cert_store", "security_certificate", "security_key", "security_key_password",
        "task_default_exchange", "task_default_queue", "task_default_routing_key", "worker_pool", "worker_state_db",
    ]

    private static let known = Set(all)
    private static let honoured = Set(CelerySettings.readNames)

    package static func isKnown(_ name: String) -> Bool {
        known.contains(name) || storePrefixes.contains { name.hasPrefix($0) }
    }

    /// What is done about a setting; nil for a name that nobody knows.
    package static func verdict(of name: String) -> SettingVerdict? {
        if honoured.contains(name) { return .honoured }
        if let row = inherent.first(where: { $0.name == name }) { return .limited(row.values, row.reason) }
        return reasonWithoutEffect(of: name).map { .withoutEffect($0) }
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
        (
            "what a lost worker has not acknowledged comes back, as task_acks_late has it, and counts as no retry",
            ["task_retry_on_worker_lost"]
        ),
        ("timers need no such setting", ["broker_heartbeat_checkrate", "worker_timer_precision"]),
        ("it has no effect at Celery either", ["result_exchange", "result_exchange_type", "deprecated_settings"]),
        ("clients keep no results in memory", ["result_cache_max"]),
        ("a chord's results are read when all of them are there", ["result_chord_join_timeout"]),
        ("that file is Python's: --schedule of worker and beat names ours", ["beat_schedule_filename"]),
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

    /// Those of Celery's own list that begin like this.
    private static let stores: [String] = [
        "arangodb_backend_settings", "azureblockblob_base_path", "azureblockblob_connection_timeout",
        "azureblockblob_container_name", "azureblockblob_read_timeout", "azureblockblob_retry_increment_base",
        "azureblockblob_retry_initial_backoff_sec", "azureblockblob_retry_max_attempts", "cache_backend",
        "cache_backend_options", "cassandra_auth_kwargs", "cassandra_auth_provider", "cassandra_bundle_path",
        "cassandra_entry_ttl", "cassandra_keyspace", "cassandra_options", "cassandra_port",
        "cassandra_read_consistency", "cassandra_servers", "cassandra_table", "cassandra_write_consistency",
        "cosmosdbsql_collection_name", "cosmosdbsql_consistency_level", "cosmosdbsql_database_name",
        "cosmosdbsql_max_retry_attempts", "cosmosdbsql_max_retry_wait_time", "couchbase_backend_settings",
        "database_create_tables_at_setup", "database_engine_callback", "database_engine_options",
        "database_short_lived_sessions", "database_table_names", "database_table_schemas", "database_url",
        "elasticsearch_max_retries", "elasticsearch_retry_on_timeout", "elasticsearch_save_meta_as_text",
        "elasticsearch_timeout", "gcs_base_path", "gcs_bucket", "gcs_project", "gcs_ttl", "mongodb_backend_settings",
        "s3_access_key_id", "s3_base_path", "s3_bucket", "s3_endpoint_url", "s3_region", "s3_secret_access_key",
    ]

    /// Why a setting has no effect here; nil for any other.
    static func reasonWithoutEffect(of name: String) -> String? {
        if storePrefixes.contains(where: { name.hasPrefix($0) }) {
            return "result_backend alone chooses the result store"
        }
        return idle.first { $0.names.contains(name) }?.reason
    }

    /// Settings of which only these values can be followed, what happens here in any case, and why no other. Null is always
    /// one of them.
    private static let inherent: [(name: String, values: [WireValue], reason: String)] = [
        (
            "redis_backend_credential_provider", [],
            "it names Python code: programs set redisCredentials of CeleryConfiguration"
        )
    ]

    /// Refuses a setting that no row of the table reads and whose value asks for what does not happen here.
    static func check(_ name: String, _ value: WireValue, in place: String) throws(CeleriacError) {
        guard let row = inherent.first(where: { $0.name == name }), !value.isNull, !row.values.contains(value) else {
            return
        }
        let values = SettingVerdict.list(row.values)
        let hint = values.isEmpty ? "leave it out" : "leave it out, or set it to \(values)"
        throw CeleriacError(
            .configuration, "\(place) sets \(name), which cannot be followed: \(row.reason) (\(hint))")
    }
}
