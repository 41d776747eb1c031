public import CeleriacCore
import CeleriacWire
package import CeleryDialect
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
/// | `broker_url`, `result_backend` | where the application connects; several URLs of RabbitMQ or of sentinels, as a list or with `;` between them, are tried in turn, several of Redis servers are refused; `result_backend` may be `disabled://` |
/// | `broker_transport`, `broker_host`, `broker_port`, `broker_user`, `broker_password`, `broker_vhost` | the broker's URL in parts, where there is none |
/// | `redis_host`, `redis_port`, `redis_db` | where results are if `result_backend` is `redis` |
/// | `broker_write_url`, `broker_read_url` | where tasks are sent to and taken from, in place of `broker_url` (RabbitMQ; elsewhere two different ones are refused) |
/// | `broker_connection_retry_on_startup` | `false` for a worker that ends if it does not reach the broker at once |
/// | `broker_connection_retry` | `false` for a worker that does not connect again: if it loses the connection to Redis or RabbitMQ, it lets its tasks end, and ends with an error; where `broker_connection_retry_on_startup` is not set, it also has that one's effect |
/// | `broker_connection_max_retries` | how often a worker tries again before it ends that has not reached the broker yet; without it, and with 0, for ever |
/// | `broker_failover_strategy`, `broker_connection_timeout`, `broker_heartbeat`, `broker_login_method` | connections to RabbitMQ: `shuffle` for another order of the URLs in each process, seconds, `EXTERNAL` for a login by certificate (`PLAIN` and `AMQPLAIN` send user and password); what a URL says goes before; the seconds also hold for Redis, and have no effect where there is no connection |
/// | `broker_use_ssl`, `redis_backend_use_ssl` | encryption of the broker, and of results in Redis: at Redis: `true`, or `ssl_cert_reqs`, `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile`, `ssl_check_hostname`; at RabbitMQ `true` or py-amqp's `ca_certs`, `certfile`, `keyfile`, `cert_reqs`, `server_hostname`; unless the URL has these itself; the files are read for each connection |
/// | `redis_username`, `redis_password`, `redis_client_name` | login of results in Redis, unless the URL has one, and the name in its `CLIENT LIST` |
/// | `redis_socket_connect_timeout`, `redis_socket_timeout` | seconds in which a connection to results in Redis must be made, 5 without it, and an answer must come, 30 without it |
/// | `accept_content`, `task_protocol`, `task_serializer`, `task_compression` | ``CeleryConfiguration`` |
/// | `security_key`, `security_key_password`, `security_certificate`, `security_cert_store`, `security_digest`, `event_serializer` | ``CelerySecurity``, where `task_serializer` or `event_serializer` is `auth` or `accept_content` has it |
/// | `task_default_queue`, `task_default_exchange`, `task_default_exchange_type`, `task_default_routing_key`, `task_routes`, `task_default_priority`, `task_default_delivery_mode`, `task_repr_maxlevels`, `task_inherit_parent_priority`, `task_publish_retry`, `task_publish_retry_policy`, `task_send_sent_event` | how tasks are sent |
/// | `task_allow_error_cb_on_chord_header` | whether the error callbacks of a chord also go to the tasks of its header |
/// | `task_always_eager`, `task_eager_propagates`, `task_store_eager_result` | whether a send runs the task in this process |
/// | `task_queues`, `task_default_queue_type`, `task_create_missing_queues`, `task_create_missing_queue_type`, `task_create_missing_queue_exchange_type`, `task_queue_max_priority`, `worker_direct` | the queues that there are, and how they are declared |
/// | `broker_native_delayed_delivery_queue_type` | `quorum` or `classic`: what the queues are in which RabbitMQ keeps tasks for quorum queues until their times |
/// | `task_acks_late`, `task_acks_on_failure`, `task_acks_on_timeout`, `task_acks_on_failure_or_timeout`, `task_ignore_result`, `task_store_errors_even_if_ignored`, `task_track_started`, `task_time_limit`, `task_soft_time_limit`, `task_default_rate_limit` | ``CeleryConfiguration/taskDefaults`` |
/// | `task_annotations` | ``CeleryConfiguration/taskAnnotations``: by task, or `*` for all, or a list of such, the names `acks_late`, `acks_on_failure`, `acks_on_timeout`, `ignore_result`, `store_errors_even_if_ignored`, `track_started`, `time_limit`, `soft_time_limit`, `rate_limit`, `max_retries`, `default_retry_delay`; other attributes have no effect |
/// | `task_reject_on_worker_lost` | a late message of a worker that has vanished always goes back, since nobody is left to store its failure; the log says so where this is `false` |
/// | `result_expires`, `result_failure_expires`, `result_extended`, `result_serializer`, `result_accept_content`, `result_compression`, `result_persistent`, `result_chord_retry_interval`, `result_chord_expires` | results |
/// | `worker_concurrency`, `worker_prefetch_multiplier`, `worker_disable_prefetch`, `worker_disable_rate_limits`, `worker_deduplicate_successful_tasks`, `worker_eta_task_limit`, `worker_cancel_long_running_tasks_on_connection_loss`, `worker_send_task_events`, `worker_enable_remote_control` | workers |
/// | `control_exchange`, `control_queue_ttl`, `control_queue_expires`, `control_queue_exclusive`, `control_queue_durable`, `event_exchange`, `event_queue_prefix`, `event_queue_ttl`, `event_queue_expires`, `event_queue_exclusive`, `event_queue_durable` | remote control and events; queues of events are those of the verbs `events` and `doctor` at RabbitMQ |
/// | `worker_pool`, `worker_state_db`, `worker_soft_shutdown_timeout`, `worker_enable_soft_shutdown_on_idle` | what the verb `worker` of a program does |
/// | `timezone`, `enable_utc`, `beat_schedule`, `beat_cron_starting_deadline`, `beat_max_loop_interval`, `missed_runs` | the schedule of the verbs `beat` and `worker --beat`; without `timezone` it is in UTC, or with `enable_utc: false` in the system's zone |
/// | `beat_enable_remote_control`, `beat_remote_control_max_tick_age` | whether the verb `beat` answers Celery's `ping`, and how long ago it may have looked at its schedule, in seconds: 0 for ever, without it twice `beat_max_loop_interval` |
/// | `broker_transport_options` | `visibility_timeout`, `global_keyprefix`, `priority_steps`, `sep`, `unacked_key`, `unacked_index_key`, `unacked_mutex_key`, `fanout_prefix`, `fanout_patterns`, `body_encoding`; `maximum_eta_hold` of RabbitMQ; `maximum_parked`, `parked_lifetime`, `dead_letter_exchange`, `dead_letter_routing_key` of ``worker``; `data_folder_in`, `data_folder_out` and `control_folder` of a folder; those of connections to Redis; `ack_emulation` has no effect, since what a lost worker had taken comes back in any case; kombu's others have no effect |
/// | `result_backend_transport_options` | `global_keyprefix`; `result_chord_ordered`, `false` for a chord's results as they come; those of connections to Redis; others have no effect |
/// | options of connections to Redis | `master_name`, `min_other_sentinels` and `sentinel_kwargs` of `sentinel://` (`username`, `password`, `ssl`, `ssl_…` as above, `socket_timeout`, `socket_connect_timeout`); `socket_connect_timeout`, `socket_timeout`, `client_name` |
///
/// Flags, numbers and durations may be text (`"true"`, `"60"`, `"2:00:00"`). `worker_concurrency` may be `auto`, or 0, for the
/// number of processors, and a `worker_prefetch_multiplier` of 0 is 1,000. Of
/// Celery's other settings, those that can have no effect here are taken and told of in the log. The others are taken with
/// the values that say what happens here in any case, which usually are Celery's defaults, and else refused. A name that
/// nobody knows sets nothing, as in Celery, and the log warns of it and says which one may be meant; where settings are read
/// strictly, it is an error. Only the options of a transport that is not built in are not looked at: its ``CeleryTransport``
/// gets them as they are.
public struct CelerySettings: Sendable {
    /// `broker_url`.
    public var broker: String?
    /// `result_backend`.
    public var results: String?
    /// The application's configuration.
    public var configuration: CeleryConfiguration
    /// The configuration of workers.
    public var worker: WorkerConfiguration
    /// `worker_pool`.
    package var pool: String?
    /// `beat_scheduler` that keeps its schedule elsewhere, which a beat here would not send; nil for Celery's own.
    package var foreignScheduler: String?
    /// `beat_enable_remote_control`: whether the verb `beat` answers Celery's `ping`.
    package var beatAnswersPing = false
    /// `beat_remote_control_max_tick_age`.
    package var beatMaximumTickAge: Duration?
    /// The schedule, with how a beat works.
    package var schedule: BeatFile?
    /// What should be told about settings that have no effect, a sentence each.
    package var notices: [String] = []
    /// What should be told about names that nobody knows, a sentence each.
    package var warnings: [String] = []

    /// Makes settings with the defaults and without a broker.
    public init() {
        configuration = CeleryConfiguration()
        worker = WorkerConfiguration(queues: configuration.servedQueues)
    }

    mutating func add(_ remarks: SettingRemarks) {
        notices += remarks.notices
        warnings += remarks.warnings
    }

    /// Reads settings.
    ///
    /// - Parameters:
    ///   - yaml: the text of the settings file, in UTF-8.
    ///   - environment: the variables that `${NAME}` in a value stands for; one that is not there is an error. `${file:PATH}`
    ///     stands for the first line of a file. Any other `$` stays.
    ///   - isStrict: whether a name that nobody knows is an error. Else it sets nothing, and the application's log warns of it.
    /// - Throws: ``CeleriacError`` with code `configuration`, whose message names the setting.
    public init(
        yaml: [UInt8], environment: [String: String] = [:], isStrict: Bool = false
    ) throws(CeleriacError) {
        let layer = try SettingsLayer(yaml: yaml, place: "the settings file", environment: environment)
        try self.init(layers: [layer], isStrict: isStrict)
    }

    /// Reads the listed settings from variables such as `CELERY_TASK_ACKS_LATE`, whose values are YAML or plain text. With the
    /// usual prefix, names from before Celery 4 such as `CELERYD_CONCURRENCY` are read as well. Other variables are ignored.
    ///
    /// - Parameters:
    ///   - environment: the variables.
    ///   - prefix: what the names of these variables begin with.
    ///   - isStrict: whether a variable with the usual prefix that is like a setting's, and is none, is an error. Else the
    ///     application's log warns of it.
    /// - Throws: ``CeleriacError`` with code `configuration`, whose message names the setting.
    public init(
        environment: [String: String], prefix: String = "CELERY_", isStrict: Bool = false
    ) throws(CeleriacError) {
        try self.init(layers: [SettingsLayer(environment: environment, prefix: prefix)], isStrict: isStrict)
    }

    /// Reads layers over settings that a program has of its own.
    ///
    /// - Parameters:
    ///   - own: the program's settings, which hold where no layer says anything.
    ///   - layers: the layers, each of which goes before those in front of it.
    ///   - isStrict: whether what is warned of is an error.
    /// - Throws: ``CeleriacError`` with code `configuration`, whose message names the place and the setting.
    package init(
        over own: CelerySettings = CelerySettings(), layers: [SettingsLayer], isStrict: Bool = false
    ) throws(CeleriacError) {
        self = own
        warnings += layers.flatMap(\.warnings)
        for setting in Self.table { try setting.apply(layers, to: &self) }
        for layer in layers {
            for (name, value) in layer.values {
                try SettingNames.check(name, value, in: layer.place)
                guard let reason = SettingNames.reasonWithoutEffect(of: name) else { continue }
                notices.append("\(layer.place) sets \(name), which has no effect: \(reason)")
            }
        }
        if configuration.usesSignatures, configuration.security == nil {
            throw CeleriacError(.configuration, "the settings name auth, but \(CelerySerializer.lackOfKeys)")
        }
        if isStrict, let warning = warnings.first { throw CeleriacError(.configuration, warning) }
        let namesQueues = layers.contains { $0.values["task_queues"]?.isNull == false }
        // A program's own choice of queues stays.
        if namesQueues || worker.queues == own.configuration.servedQueues {
            worker.queues = configuration.servedQueues
        }
    }
}
