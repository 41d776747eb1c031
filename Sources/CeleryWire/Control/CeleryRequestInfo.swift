public import CeleriacWire

/// A task that a worker holds, as `inspect active`, `reserved`, `scheduled` and `query_task` show it.
public struct CeleryRequestInfo: Sendable, Hashable {
    /// The task's id.
    public var id: String
    /// The task's name.
    public var name: String
    /// The positional arguments: an array, or text to show.
    public var args: WireValue
    /// The keyword arguments: an object, or text to show.
    public var kwargs: WireValue
    /// The node name of the worker.
    public var nodeName: String
    /// When its run began, in seconds since 1970; nil if it has not.
    public var startTime: Double?
    /// Whether its message is acknowledged.
    public var isAcknowledged: Bool
    /// The exchange that it was published to.
    public var exchange: String
    /// The routing key that it was published with.
    public var routingKey: String
    /// Its priority; 0 where it has none.
    public var priority: Int
    /// Whether it was delivered before.
    public var isRedelivered: Bool
    /// The process that runs it; nil if none does.
    public var processID: Int?

    /// Makes a description of a task that has not begun; set other properties on it.
    public init(id: String, name: String, args: WireValue, kwargs: WireValue, nodeName: String) {
        self.id = id
        self.name = name
        self.args = args
        self.kwargs = kwargs
        self.nodeName = nodeName
        self.isAcknowledged = false
        self.exchange = ""
        self.routingKey = ""
        self.priority = 0
        self.isRedelivered = false
    }

    /// The object on the wire, its keys in Celery's order.
    public var wireValue: WireValue {
        [
            "id": .string(id), "name": .string(name), "args": args, "kwargs": kwargs, "type": .string(name),
            "hostname": .string(nodeName), "time_start": startTime.map { .double($0) } ?? .null,
            "acknowledged": .bool(isAcknowledged),
            "delivery_info": [
                "exchange": .string(exchange), "routing_key": .string(routingKey), "priority": .int(Int64(priority)),
                "redelivered": .bool(isRedelivered),
            ],
            "worker_pid": processID.map { .int(Int64($0)) } ?? .null,
        ]
    }

    /// Reads the object; nil for a value that is none.
    public init?(_ value: WireValue) {
        guard let id = value["id"]?.stringValue, let name = value["name"]?.stringValue else { return nil }
        self.init(
            id: id, name: name, args: value["args"] ?? .array([]), kwargs: value["kwargs"] ?? .object([:]),
            nodeName: value["hostname"]?.stringValue ?? "")
        startTime = value["time_start"]?.doubleValue
        isAcknowledged = value["acknowledged"]?.isTruthy ?? false
        exchange = value["delivery_info"]?["exchange"]?.stringValue ?? ""
        routingKey = value["delivery_info"]?["routing_key"]?.stringValue ?? ""
        priority = value["delivery_info"]?["priority"]?.wholeNumber ?? 0
        isRedelivered = value["delivery_info"]?["redelivered"]?.isTruthy ?? false
        processID = value["worker_pid"]?.wholeNumber
    }
}
