import CeleriacCore
import CeleriacWire

extension CeleryApp {
    /// The settings that `inspect conf` shows for a worker, under Celery's names. Brokers and stores are named without
    /// credentials.
    func controlSettings(of worker: WorkerConfiguration) -> WireObject {
        func seconds(_ duration: Duration?) -> WireValue {
            guard let duration else { return .null }
            let seconds = duration / .seconds(1)
            return Int64(exactly: seconds).map { .int($0) } ?? .double(seconds)
        }
        return [
            "accept_content": .array(configuration.acceptContent.map(\.rawValue).sorted().map { .string($0) }),
            "broker_heartbeat": 120, "broker_url": .string(broker.name), "deprecated_settings": nil,
            "enable_utc": true, "include": [], "result_backend": results.map { .string($0.name) } ?? .null,
            "result_expires": seconds(configuration.resultExpiry),
            "task_acks_late": .bool((worker.taskDefaults.acknowledgement ?? worker.acknowledgement) == .late),
            "task_default_queue": .string(configuration.defaultQueue),
            "task_protocol": .int(Int64(configuration.taskProtocol)), "timezone": nil,
            "worker_concurrency": .int(Int64(worker.concurrency)), "worker_hijack_root_logger": false,
            "worker_log_color": false, "worker_prefetch_multiplier": .int(Int64(worker.prefetchMultiplier)),
        ]
    }
}
