import CeleriacCore
import CeleriacWire

/// The names that settings had before Celery 4, in upper case, which Celery still reads.
enum OldSettingNames {
    /// Writes the settings of a file under the names of today.
    ///
    /// As in Celery, a file has old names or new ones. An old name beside its own new one is left out.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` for a file that has both.
    static func translated(_ values: WireObject, in place: String) throws(CeleriacError) -> WireObject {
        let old = values.keys.filter { newName(of: $0) != nil }
        guard !old.isEmpty else { return values }
        let new = values.keys.filter { SettingNames.isKnown($0) }
        for name in old {
            guard let today = newName(of: name), !new.isEmpty, values[today] == nil else { continue }
            throw CeleriacError(
                .configuration,
                "\(place) has old names of settings beside new ones, and Celery takes either: write \(today) for \(name)"
            )
        }
        var translated: WireObject = [:]
        for (name, value) in values {
            guard let today = newName(of: name) else {
                translated[name] = value
                continue
            }
            if values[today] == nil { translated[today] = value }
        }
        return translated
    }

    /// The name of today; nil for one that is none of the old names.
    static func newName(of name: String) -> String? {
        if let renamed = renamed[name] { return renamed }
        let lower = name.lowercased()
        return name != lower && name == name.uppercased() && SettingNames.celery.contains(lower) ? lower : nil
    }

    /// The setting of a variable with an old name; nil for any other. Old names without `CELERY` are too common for variables,
    /// such as REDIS_PORT.
    static func newName(ofVariable variable: String) -> String? { renamed[variable] }

    /// The old name that is like a text; nil if there is none. What comes after the names' common beginnings counts.
    static func nearest(to text: String) -> String? {
        let text = text.uppercased()
        for prefix in ["CELERYBEAT_", "CELERYD_", "CELERY_"] where text.hasPrefix(prefix) {
            let names = renamed.keys.filter { $0.hasPrefix(prefix) }.sorted()
            let ends = names.map { $0.dropFirst(prefix.count).lowercased() }
            let nearest = Misspelling.nearest(to: String(text.dropFirst(prefix.count)), among: ends)
            return nearest.map { prefix + $0.uppercased() }
        }
        return nil
    }

    /// Those that differ by more than their case.
    private static let renamed: [String: String] = [
        "CELERYBEAT_CRON_STARTING_DEADLINE": "beat_cron_starting_deadline",
        "CELERYBEAT_ENABLE_REMOTE_CONTROL": "beat_enable_remote_control",
        "CELERYBEAT_MAX_LOOP_INTERVAL": "beat_max_loop_interval",
        "CELERYBEAT_REMOTE_CONTROL_MAX_TICK_AGE": "beat_remote_control_max_tick_age",
        "CELERYBEAT_SCHEDULE": "beat_schedule",
        "CELERYBEAT_SCHEDULER": "beat_scheduler",
        "CELERYBEAT_SCHEDULE_FILENAME": "beat_schedule_filename",
        "CELERYBEAT_SYNC_EVERY": "beat_sync_every",
        "CELERYD_AGENT": "worker_agent",
        "CELERYD_AUTOSCALER": "worker_autoscaler",
        "CELERYD_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS": "worker_cancel_long_running_tasks_on_connection_loss",
        "CELERYD_CONCURRENCY": "worker_concurrency",
        "CELERYD_CONSUMER": "worker_consumer",
        "CELERYD_DEDUPLICATE_SUCCESSFUL_TASKS": "worker_deduplicate_successful_tasks",
        "CELERYD_DETECT_QUORUM_QUEUES": "worker_detect_quorum_queues",
        "CELERYD_DISABLE_PREFETCH": "worker_disable_prefetch",
        "CELERYD_ENABLE_PREFETCH_COUNT_REDUCTION": "worker_enable_prefetch_count_reduction",
        "CELERYD_ENABLE_SOFT_SHUTDOWN_ON_IDLE": "worker_enable_soft_shutdown_on_idle",
        "CELERYD_ETA_TASK_LIMIT": "worker_eta_task_limit",
        "CELERYD_HIJACK_ROOT_LOGGER": "worker_hijack_root_logger",
        "CELERYD_LOG_COLOR": "worker_log_color",
        "CELERYD_LOG_DATEFMT": "worker_log_datefmt",
        "CELERYD_LOG_FORMAT": "worker_log_format",
        "CELERYD_MAX_MEMORY_PER_CHILD": "worker_max_memory_per_child",
        "CELERYD_MAX_TASKS_PER_CHILD": "worker_max_tasks_per_child",
        "CELERYD_POOL": "worker_pool",
        "CELERYD_POOL_PUTLOCKS": "worker_pool_putlocks",
        "CELERYD_POOL_RESTARTS": "worker_pool_restarts",
        "CELERYD_POOL_START_METHOD": "worker_pool_start_method",
        "CELERYD_PREFETCH_MULTIPLIER": "worker_prefetch_multiplier",
        "CELERYD_PROC_ALIVE_TIMEOUT": "worker_proc_alive_timeout",
        "CELERYD_SOFT_SHUTDOWN_TIMEOUT": "worker_soft_shutdown_timeout",
        "CELERYD_STATE_DB": "worker_state_db",
        "CELERYD_TASK_LOG_DATEFMT": "worker_task_log_datefmt",
        "CELERYD_TASK_LOG_FORMAT": "worker_task_log_format",
        "CELERYD_TASK_SOFT_TIME_LIMIT": "task_soft_time_limit",
        "CELERYD_TASK_TIME_LIMIT": "task_time_limit",
        "CELERYD_TIMER": "worker_timer",
        "CELERYD_TIMER_PRECISION": "worker_timer_precision",
        "CELERYD_WORKER_LOST_WAIT": "worker_lost_wait",
        "CELERY_ACCEPT_CONTENT": "accept_content",
        "CELERY_ACKS_LATE": "task_acks_late",
        "CELERY_ACKS_ON_FAILURE": "task_acks_on_failure",
        "CELERY_ACKS_ON_FAILURE_OR_TIMEOUT": "task_acks_on_failure_or_timeout",
        "CELERY_ACKS_ON_TIMEOUT": "task_acks_on_timeout",
        "CELERY_ALLOW_ERROR_CB_ON_CHORD_HEADER": "task_allow_error_cb_on_chord_header",
        "CELERY_ALWAYS_EAGER": "task_always_eager",
        "CELERY_ANNOTATIONS": "task_annotations",
        "CELERY_ARANGODB_BACKEND_SETTINGS": "arangodb_backend_settings",
        "CELERY_CACHE_BACKEND": "cache_backend",
        "CELERY_CACHE_BACKEND_OPTIONS": "cache_backend_options",
        "CELERY_COUCHBASE_BACKEND_SETTINGS": "couchbase_backend_settings",
        "CELERY_CREATE_MISSING_QUEUES": "task_create_missing_queues",
        "CELERY_CREATE_MISSING_QUEUE_EXCHANGE_TYPE": "task_create_missing_queue_exchange_type",
        "CELERY_CREATE_MISSING_QUEUE_TYPE": "task_create_missing_queue_type",
        "CELERY_DEFAULT_DELIVERY_MODE": "task_default_delivery_mode",
        "CELERY_DEFAULT_EXCHANGE": "task_default_exchange",
        "CELERY_DEFAULT_EXCHANGE_TYPE": "task_default_exchange_type",
        "CELERY_DEFAULT_PRIORITY": "task_default_priority",
        "CELERY_DEFAULT_QUEUE": "task_default_queue",
        "CELERY_DEFAULT_QUEUE_TYPE": "task_default_queue_type",
        "CELERY_DEFAULT_RATE_LIMIT": "task_default_rate_limit",
        "CELERY_DEFAULT_ROUTING_KEY": "task_default_routing_key",
        "CELERY_DISABLE_RATE_LIMITS": "worker_disable_rate_limits",
        "CELERY_EAGER_PROPAGATES_EXCEPTIONS": "task_eager_propagates",
        "CELERY_ELASTICSEARCH_MAX_RETRIES": "elasticsearch_max_retries",
        "CELERY_ELASTICSEARCH_RETRY_ON_TIMEOUT": "elasticsearch_retry_on_timeout",
        "CELERY_ELASTICSEARCH_SAVE_META_AS_TEXT": "elasticsearch_save_meta_as_text",
        "CELERY_ELASTICSEARCH_TIMEOUT": "elasticsearch_timeout",
        "CELERY_ENABLE_REMOTE_CONTROL": "worker_enable_remote_control",
        "CELERY_EVENT_EXCHANGE": "event_exchange",
        "CELERY_EVENT_QUEUE_DURABLE": "event_queue_durable",
        "CELERY_EVENT_QUEUE_EXCLUSIVE": "event_queue_exclusive",
        "CELERY_EVENT_QUEUE_EXPIRES": "event_queue_expires",
        "CELERY_EVENT_QUEUE_PREFIX": "event_queue_prefix",
        "CELERY_EVENT_QUEUE_TTL": "event_queue_ttl",
        "CELERY_EVENT_SERIALIZER": "event_serializer",
        "CELERY_IGNORE_RESULT": "task_ignore_result",
        "CELERY_IMPORTS": "imports",
        "CELERY_INCLUDE": "include",
        "CELERY_INHERIT_PARENT_PRIORITY": "task_inherit_parent_priority",
        "CELERY_MAX_CACHED_RESULTS": "result_cache_max",
        "CELERY_MESSAGE_COMPRESSION": "task_compression",
        "CELERY_MONGODB_BACKEND_SETTINGS": "mongodb_backend_settings",
        "CELERY_QUEUES": "task_queues",
        "CELERY_QUEUE_MAX_PRIORITY": "task_queue_max_priority",
        "CELERY_REDIRECT_STDOUTS": "worker_redirect_stdouts",
        "CELERY_REDIRECT_STDOUTS_LEVEL": "worker_redirect_stdouts_level",
        "CELERY_REDIS_BACKEND_USE_SSL": "redis_backend_use_ssl",
        "CELERY_REDIS_DB": "redis_db",
        "CELERY_REDIS_HOST": "redis_host",
        "CELERY_REDIS_MAX_CONNECTIONS": "redis_max_connections",
        "CELERY_REDIS_PASSWORD": "redis_password",
        "CELERY_REDIS_PORT": "redis_port",
        "CELERY_REDIS_RETRY_ON_TIMEOUT": "redis_retry_on_timeout",
        "CELERY_REDIS_SOCKET_CONNECT_TIMEOUT": "redis_socket_connect_timeout",
        "CELERY_REDIS_SOCKET_KEEPALIVE": "redis_socket_keepalive",
        "CELERY_REDIS_SOCKET_TIMEOUT": "redis_socket_timeout",
        "CELERY_REDIS_USERNAME": "redis_username",
        "CELERY_REJECT_ON_WORKER_LOST": "task_reject_on_worker_lost",
        "CELERY_REMOTE_TRACEBACKS": "task_remote_tracebacks",
        "CELERY_REPR_MAXLEVELS": "task_repr_maxlevels",
        "CELERY_RESULT_BACKEND": "result_backend",
        "CELERY_RESULT_BACKEND_ALWAYS_RETRY": "result_backend_always_retry",
        "CELERY_RESULT_BACKEND_BASE_SLEEP_BETWEEN_RETRIES_MS": "result_backend_base_sleep_between_retries_ms",
        "CELERY_RESULT_BACKEND_MAX_RETRIES": "result_backend_max_retries",
        "CELERY_RESULT_BACKEND_MAX_SLEEP_BETWEEN_RETRIES_MS": "result_backend_max_sleep_between_retries_ms",
        "CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS": "result_backend_transport_options",
        "CELERY_RESULT_CHORD_EXPIRES": "result_chord_expires",
        "CELERY_RESULT_CHORD_JOIN_TIMEOUT": "result_chord_join_timeout",
        "CELERY_RESULT_CHORD_RETRY_INTERVAL": "result_chord_retry_interval",
        "CELERY_RESULT_COMPRESSION": "result_compression",
        "CELERY_RESULT_DBURI": "database_url",
        "CELERY_RESULT_DB_SHORT_LIVED_SESSIONS": "database_short_lived_sessions",
        "CELERY_RESULT_DB_TABLENAMES": "database_table_names",
        "CELERY_RESULT_ENGINE_OPTIONS": "database_engine_options",
        "CELERY_RESULT_EXCHANGE": "result_exchange",
        "CELERY_RESULT_EXCHANGE_TYPE": "result_exchange_type",
        "CELERY_RESULT_EXTENDED": "result_extended",
        "CELERY_RESULT_FAILURE_EXPIRES": "result_failure_expires",
        "CELERY_RESULT_PERSISTENT": "result_persistent",
        "CELERY_RESULT_SERIALIZER": "result_serializer",
        "CELERY_RETRY_ON_WORKER_LOST": "task_retry_on_worker_lost",
        "CELERY_ROUTES": "task_routes",
        "CELERY_SECURITY_CERTIFICATE": "security_certificate",
        "CELERY_SECURITY_CERT_STORE": "security_cert_store",
        "CELERY_SECURITY_DIGEST": "security_digest",
        "CELERY_SECURITY_KEY": "security_key",
        "CELERY_SECURITY_KEY_PASSWORD": "security_key_password",
        "CELERY_SEND_EVENTS": "worker_send_task_events",
        "CELERY_SEND_TASK_SENT_EVENT": "task_send_sent_event",
        "CELERY_STORE_EAGER_RESULT": "task_store_eager_result",
        "CELERY_STORE_ERRORS_EVEN_IF_IGNORED": "task_store_errors_even_if_ignored",
        "CELERY_TASK_PROTOCOL": "task_protocol",
        "CELERY_TASK_PUBLISH_RETRY": "task_publish_retry",
        "CELERY_TASK_PUBLISH_RETRY_POLICY": "task_publish_retry_policy",
        "CELERY_TASK_RESULT_EXPIRES": "result_expires",
        "CELERY_TASK_SERIALIZER": "task_serializer",
        "CELERY_TIMEZONE": "timezone",
        "CELERY_TRACK_STARTED": "task_track_started",
        "CELERY_WORKER_DIRECT": "worker_direct",
    ]
}
