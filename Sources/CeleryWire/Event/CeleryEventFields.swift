public import CeleriacWire

/// What each kind of event tells, its keys in Celery's order.
public enum CeleryEventFields {
    /// `task-received`. Arguments are text to show, times ISO 8601.
    public static func received(
        id: String, name: String, args: String, kwargs: String, rootID: String?, parentID: String?, retries: Int,
        eta: String?, expires: String?
    ) -> WireObject {
        [
            "uuid": .string(id), "name": .string(name), "args": .string(args), "kwargs": .string(kwargs),
            "root_id": text(rootID), "parent_id": text(parentID), "retries": .int(Int64(retries)), "eta": text(eta),
            "expires": text(expires),
        ]
    }

    /// `task-sent`: what `task-received` tells, in another order, and where it was sent.
    public static func sent(
        id: String, name: String, args: String, kwargs: String, rootID: String?, parentID: String?, retries: Int,
        eta: String?, expires: String?, queue: String, exchange: String, routingKey: String
    ) -> WireObject {
        [
            "uuid": .string(id), "root_id": text(rootID), "parent_id": text(parentID), "name": .string(name),
            "args": .string(args), "kwargs": .string(kwargs), "retries": .int(Int64(retries)), "eta": text(eta),
            "expires": text(expires), "queue": .string(queue), "exchange": .string(exchange),
            "routing_key": .string(routingKey),
        ]
    }

    /// `task-started`.
    public static func started(id: String) -> WireObject { ["uuid": .string(id)] }

    /// `task-succeeded`. The result is text to show, the runtime in seconds.
    public static func succeeded(id: String, result: String, runtime: Double?) -> WireObject {
        [
            "uuid": .string(id), "result": .string(result), "runtime": runtime.map { .double($0) } ?? .null,
        ]
    }

    /// `task-failed` and `task-retried`. The exception is text to show. Celery tells no traceback where the task never
    /// ran.
    public static func failed(id: String, exception: String, traceback: String?) -> WireObject {
        var fields: WireObject = ["uuid": .string(id), "exception": .string(exception)]
        if let traceback { fields["traceback"] = .string(traceback) }
        return fields
    }

    /// `task-revoked`. The signal is that of a termination.
    public static func revoked(id: String, isTerminated: Bool, signal: Int32?, isExpired: Bool) -> WireObject {
        [
            "uuid": .string(id), "terminated": .bool(isTerminated),
            "signum": signal.map { .int(Int64($0)) } ?? .null, "expired": .bool(isExpired),
        ]
    }

    /// `task-rejected`.
    public static func rejected(id: String, requeue: Bool) -> WireObject {
        ["uuid": .string(id), "requeue": .bool(requeue)]
    }

    /// `worker-online`, `worker-heartbeat` and `worker-offline`.
    ///
    /// - Parameters:
    ///   - frequency: seconds between heartbeats. Monitors give a worker up after twice that time.
    ///   - active: how many tasks run now.
    ///   - processed: how many tasks were begun.
    ///   - loadAverage: the host's, over 1, 5 and 15 minutes.
    public static func worker(
        frequency: Double, active: Int, processed: Int, loadAverage: [Double], software: Software
    ) -> WireObject {
        [
            "freq": .double(frequency), "active": .int(Int64(active)), "processed": .int(Int64(processed)),
            "loadavg": .array(loadAverage.map { .double($0) }), "sw_ident": .string(software.name),
            "sw_ver": .string(software.version), "sw_sys": .string(software.system),
        ]
    }

    /// `worker-heartbeat` as the answer to the command `heartbeat`, which tells less.
    public static func requestedHeartbeat(software: Software) -> WireObject {
        [
            "freq": 5, "sw_ident": .string(software.name), "sw_ver": .string(software.version),
            "sw_sys": .string(software.system),
        ]
    }

    /// What runs a node.
    public struct Software: Sendable, Hashable {
        /// Its name, for instance `py-celery`.
        public var name: String
        /// Its version.
        public var version: String
        /// The operating system, for instance `Linux`.
        public var system: String

        /// Makes a description.
        public init(name: String, version: String, system: String) {
            self.name = name
            self.version = version
            self.system = system
        }
    }

    private static func text(_ text: String?) -> WireValue { text.map { .string($0) } ?? .null }
}
