import CeleriacWire
import CeleryDialect

/// The defaults of Celery's settings, as far as they hold here, too: who leaves such a setting out gets the same.
///
/// Workers here tell these settings always, where Celery's tell only what was set. `task_acks_late` is not among them:
/// its default here is another.
enum SettingDefaults {
    private static let values: WireObject = [
        "accept_content": ["json"], "broker_connection_retry": true, "broker_heartbeat": 120,
        "broker_native_delayed_delivery_queue_type": "quorum",
        "broker_use_ssl": false, "control_exchange": "celery", "control_queue_durable": false,
        "control_queue_exclusive": true, "control_queue_expires": 10, "control_queue_ttl": 300, "enable_utc": true,
        "event_exchange": "celeryev", "event_queue_durable": false, "event_queue_exclusive": true,
        "event_queue_expires": 60, "event_queue_prefix": "celeryev", "event_queue_ttl": 5,
        "event_serializer": "json", "include": [], "result_chord_retry_interval": 1,
        "result_expires": 86_400, "result_extended": false, "result_persistent": false, "result_serializer": "json",
        "task_always_eager": false, "task_annotations": [:], "task_create_missing_queue_exchange_type": "direct",
        "task_create_missing_queue_type": "classic",
        "task_create_missing_queues": true, "task_default_delivery_mode": 2, "task_default_exchange_type": "direct",
        "task_default_queue": "celery", "task_default_queue_type": "classic", "task_eager_propagates": false,
        "task_ignore_result": false, "task_inherit_parent_priority": false, "task_protocol": 2,
        "task_publish_retry": true,
        "task_publish_retry_policy": [
            "max_retries": 3, "interval_start": 0, "interval_max": 1, "interval_step": 0.2,
        ],
        "task_repr_maxlevels": 3, "task_routes": [:], "task_send_sent_event": false, "task_serializer": "json",
        "task_store_eager_result": false, "task_store_errors_even_if_ignored": false, "task_track_started": false,
        "worker_cancel_long_running_tasks_on_connection_loss": false, "worker_deduplicate_successful_tasks": false,
        "worker_direct": false, "worker_disable_prefetch": false, "worker_disable_rate_limits": false,
        "worker_enable_remote_control": true, "worker_enable_soft_shutdown_on_idle": false,
        "worker_prefetch_multiplier": 4, "worker_send_task_events": false, "worker_soft_shutdown_timeout": 0,
    ]

    /// Settings that are as another is, unless they are set; or as the value here, where that one is not set either.
    private static let followers: [String: (leader: String, value: WireValue)] = [
        "broker_connection_retry_on_startup": ("broker_connection_retry", true),
        "task_default_exchange": ("task_default_queue", "celery"),
        "task_default_routing_key": ("task_default_queue", "celery"),
    ]

    /// The defaults of options of transports and stores, by the setting that has them.
    private static let options: [String: WireObject] = [
        "broker_transport_options": [
            "body_encoding": "base64", "fanout_patterns": true, "fanout_prefix": "/{db}.", "global_keyprefix": "",
            "maximum_eta_hold": 600, "priority_steps": [0, 3, 6, 9], "sep": "\u{06}\u{16}",
            "unacked_index_key": "unacked_index", "unacked_key": "unacked", "unacked_mutex_key": "unacked_mutex",
            "visibility_timeout": 3600,
        ],
        "result_backend_transport_options": ["global_keyprefix": ""],
    ]

    /// Settings and options whose null says something else than to leave them out.
    private static let meaningfulNulls: Set<String> = [
        "body_encoding", "control_queue_expires", "control_queue_ttl", "event_queue_expires", "event_queue_ttl",
        "maximum_eta_hold", "result_expires", "task_repr_maxlevels",
    ]

    /// Settings without those that are as Celery's defaults have them.
    static func removed(from conf: WireObject) -> WireObject {
        var kept: WireObject = [:]
        for (name, value) in conf {
            // Without UTC, even a time zone that is not set has to be named.
            if name == "timezone", value.isNull, conf["enable_utc"] == false {
                kept[name] = value
            } else if let known = options[name], let object = value.objectValue {
                let rest = removed(from: object, known)
                if !rest.isEmpty { kept[name] = .object(rest) }
            } else if let follower = followers[name] {
                if !isDefault(name, value, conf[follower.leader] ?? follower.value) { kept[name] = value }
            } else if !isDefault(name, value, values[name]) {
                kept[name] = value
            }
        }
        return kept
    }

    private static func removed(from object: WireObject, _ known: WireObject) -> WireObject {
        var kept: WireObject = [:]
        for (name, value) in object where !isDefault(name, value, known[name]) { kept[name] = value }
        return kept
    }

    private static func isDefault(_ name: String, _ value: WireValue, _ known: WireValue?) -> Bool {
        if value.isNull { return !meaningfulNulls.contains(name) }
        return known.map { isSame(value, $0) } ?? false
    }

    /// Whether two values say the same: numbers and durations by their size, objects in any order.
    private static func isSame(_ value: WireValue, _ known: WireValue) -> Bool {
        if let object = value.objectValue, let other = known.objectValue {
            return object.count == other.count
                && object.allSatisfy { element in other[element.key].map { isSame(element.value, $0) } ?? false }
        }
        let value = value.stringValue.flatMap { PythonDuration.seconds($0) } ?? value
        if let number = value.doubleValue, let other = known.doubleValue { return number == other }
        return value == known
    }
}
