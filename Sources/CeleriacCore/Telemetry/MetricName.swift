/// The metrics of Celeriac, under the names that a metrics system gets. `Compat/METRICS.md` tells what each means, and a
/// test compares the two.
package enum MetricName: String, CaseIterable, Sendable {
    /// Tasks that a broker has taken.
    case sent = "celeriac_tasks_sent_total"
    /// Tasks that a worker has read and will run.
    case received = "celeriac_tasks_received_total"
    /// Tasks that have succeeded.
    case succeeded = "celeriac_tasks_succeeded_total"
    /// Tasks that have failed for good.
    case failed = "celeriac_tasks_failed_total"
    /// Runs after which the task is sent again.
    case retried = "celeriac_tasks_retried_total"
    /// Tasks that were withdrawn.
    case revoked = "celeriac_tasks_revoked_total"
    /// Tasks whose time was over before they began.
    case expired = "celeriac_tasks_expired_total"
    /// How long handlers ran.
    case runtime = "celeriac_task_runtime_seconds"
    /// How long tasks waited in their queue and in the worker.
    case queueTime = "celeriac_task_queue_seconds"
    /// Messages that cannot be run.
    case parked = "celeriac_messages_parked_total"
    /// Handlers that run now.
    case running = "celeriac_worker_running"
    /// Messages that a worker holds for its handlers.
    case prefetched = "celeriac_worker_prefetched"
    /// Messages that a worker holds until the times of their tasks.
    case scheduled = "celeriac_worker_scheduled"
    /// Connections to a broker that came back.
    case reconnects = "celeriac_worker_reconnects_total"
    /// Queues that stood still although messages waited.
    case stalls = "celeriac_worker_stalls_total"
    /// Whether the result store is within reach.
    case resultStoreUp = "celeriac_result_store_up"
    /// Messages of a bridge that the target has confirmed.
    case bridgeForwarded = "celeriac_bridge_forwarded_total"
    /// Messages of a bridge that came again and were dropped.
    case bridgeRepeated = "celeriac_bridge_repeated_total"
    /// Replies of a bridge that the source has.
    case bridgeReplied = "celeriac_bridge_replied_total"
    /// Messages that a bridge has copied to a second queue.
    case bridgeShadowed = "celeriac_bridge_shadowed_total"
    /// Messages that a bridge has parked.
    case bridgeRefused = "celeriac_bridge_refused_total"
    /// Messages that wait for a bridge.
    case bridgeWaiting = "celeriac_bridge_waiting"
    /// Tasks whose replies a bridge waits for.
    case bridgePending = "celeriac_bridge_pending"
    /// How long a message is in a bridge.
    case bridgeForwarding = "celeriac_bridge_forward_seconds"
    /// How long a result is in a bridge.
    case bridgeReplying = "celeriac_bridge_reply_seconds"

    /// The kinds of metrics.
    package enum Kind: String, Sendable {
        /// A number that only grows.
        case counter
        /// A number that changes.
        case gauge
        /// A distribution of durations.
        case timer
    }

    /// The kind.
    package var kind: Kind {
        switch self {
        case .sent, .received, .succeeded, .failed, .retried, .revoked, .expired: .counter
        case .parked, .reconnects, .stalls: .counter
        case .bridgeForwarded, .bridgeRepeated, .bridgeReplied, .bridgeShadowed, .bridgeRefused: .counter
        case .runtime, .queueTime, .bridgeForwarding, .bridgeReplying: .timer
        case .running, .prefetched, .scheduled, .resultStoreUp, .bridgeWaiting, .bridgePending: .gauge
        }
    }

    /// The names of the dimensions, none of which ever has an id for its value.
    package var dimensions: [String] {
        switch self {
        case .sent, .received, .succeeded, .failed, .retried, .revoked, .expired, .runtime, .queueTime:
            ["task", "queue"]
        case .parked: ["queue", "reason"]
        case .stalls: ["worker", "queue"]
        case .running, .prefetched, .scheduled, .reconnects, .resultStoreUp: ["worker"]
        case .bridgeRefused: ["route", "reason"]
        case .bridgeForwarded, .bridgeRepeated, .bridgeReplied, .bridgeShadowed: ["route"]
        case .bridgeWaiting, .bridgePending, .bridgeForwarding, .bridgeReplying: ["route"]
        }
    }
}
