package import CeleriacWire

/// The fields of each kind of event, with their keys in Celery's order.
package enum CeleryEventFields {
    /// `task-received`. Arguments are text for people, times are ISO 8601.
    package static func received(
        id: String, name: String, args: String, kwargs: String, rootID: String?, parentID: String?, retries: Int,
        eta: String?, expires: String?
    ) -> WireObject {
        [
            "uuid": .string(id), "name": .string(name), "args": .string(args), "kwargs": .string(kwargs),
            "root_id": text(rootID), "parent_id": text(parentID), "retries": .int(Int64(retries)), "eta": text(eta),
            "expires": text(expires),
        ]
    }

    /// `task-sent`: the fields of `task-received` in another order, and the destination. There is no queue for a
    /// message to a named exchange.
    package static func sent(
        id: String, name: String, args: String, kwargs: String, rootID: String?, parentID: String?, retries: Int,
        eta: String?, expires: String?, queue: String?, exchange: String, routingKey: String
    ) -> WireObject {
        [
            "uuid": .string(id), "root_id": text(rootID), "parent_id": text(parentID), "name": .string(name),
            "args": .string(args), "kwargs": .string(kwargs), "retries": .int(Int64(retries)), "eta": text(eta),
            "expires": text(expires), "queue": text(queue), "exchange": .string(exchange),
            "routing_key": .string(routingKey),
        ]
    }

    /// `task-started`.
    package static func started(id: String) -> WireObject { ["uuid": .string(id)] }

    /// `task-succeeded`. The result is text for people, the runtime is in seconds.
    package static func succeeded(id: String, result: String, runtime: Double?) -> WireObject {
        [
            "uuid": .string(id), "result": .string(result), "runtime": runtime.map { .double($0) } ?? .null,
        ]
    }

    /// `task-failed` and `task-retried`. The exception is text for people. There is no traceback if the task never ran.
    package static func failed(id: String, exception: String, traceback: String?) -> WireObject {
        var fields: WireObject = ["uuid": .string(id), "exception": .string(exception)]
        if let traceback { fields["traceback"] = .string(traceback) }
        return fields
    }

    /// `task-revoked`. The signal is the one that terminated the task.
    package static func revoked(id: String, isTerminated: Bool, signal: Int32?, isExpired: Bool) -> WireObject {
        [
            "uuid": .string(id), "terminated": .bool(isTerminated),
            "signum": signal.map { .int(Int64($0)) } ?? .null, "expired": .bool(isExpired),
        ]
    }

    /// `task-rejected`.
    package static func rejected(id: String, requeue: Bool) -> WireObject {
        ["uuid": .string(id), "requeue": .bool(requeue)]
    }

    /// `worker-online`, `worker-heartbeat` and `worker-offline`.
    ///
    /// - Parameters:
    ///   - frequency: Seconds between heartbeats. Monitors consider a worker lost after twice that time.
    ///   - active: The number of tasks that are running.
    ///   - processed: The number of tasks that have begun so far.
    ///   - loadAverage: The load averages of the host over 1, 5 and 15 minutes.
    ///   - software: The program that the worker runs.
    /// - Returns: The fields that these three events share.
    package static func worker(
        frequency: Double, active: Int, processed: Int, loadAverage: [Double], software: Software
    ) -> WireObject {
        [
            "freq": .double(frequency), "active": .int(Int64(active)), "processed": .int(Int64(processed)),
            "loadavg": .array(loadAverage.map { .double($0) }), "sw_ident": .string(software.name),
            "sw_ver": .string(software.version), "sw_sys": .string(software.system),
        ]
    }

    /// `worker-heartbeat` as the answer to the command `heartbeat`, which has fewer fields.
    package static func requestedHeartbeat(software: Software) -> WireObject {
        [
            "freq": 5, "sw_ident": .string(software.name), "sw_ver": .string(software.version),
            "sw_sys": .string(software.system),
        ]
    }

    /// The software of a node.
    package struct Software: Sendable, Hashable {
        /// The name, for instance `py-celery`.
        package var name: String
        package var version: String
        /// The operating system, for instance `Linux`.
        package var system: String

        package init(name: String, version: String, system: String) {
            self.name = name
            self.version = version
            self.system = system
        }
    }

    private static func text(_ text: String?) -> WireValue { text.map { .string($0) } ?? .null }
}
