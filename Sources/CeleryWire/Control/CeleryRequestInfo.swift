package import CeleriacWire

/// A task that a worker holds, as `inspect active`, `reserved`, `scheduled` and `query_task` report it.
package struct CeleryRequestInfo: Sendable, Hashable {
    /// The task's id.
    package var id: String
    /// The task's name.
    package var name: String
    /// The positional arguments: an array, or text for people.
    package var args: WireValue
    /// The keyword arguments: an object, or text for people.
    package var kwargs: WireValue
    /// The node name of the worker.
    package var nodeName: String
    /// When the task began to run, in seconds since 1970; `nil` if it has not begun.
    package var startTime: Double?
    /// Whether the message is acknowledged.
    package var isAcknowledged: Bool
    /// The exchange of the message.
    package var exchange: String
    /// The routing key of the message.
    package var routingKey: String
    /// The priority; 0 if the message has none.
    package var priority: Int
    /// Whether the message was delivered before.
    package var isRedelivered: Bool
    /// The id of the process that runs the task; `nil` if none does.
    package var processID: Int?

    /// Creates a description of a task that has not begun. Set its other properties afterwards.
    package init(id: String, name: String, args: WireValue, kwargs: WireValue, nodeName: String) {
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

    /// The object on the wire, with its keys in Celery's order.
    package var wireValue: WireValue {
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

    /// Reads the object; `nil` for any other value.
    package init?(_ value: WireValue) {
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
