public import CeleriacWire

/// What a result says of the call when Celery's `result_extended` is set.
public struct CeleryExtendedResult: Sendable, Hashable {
    /// The name of the task.
    public var name: String?
    /// The positional arguments.
    public var args: WireValue?
    /// The keyword arguments.
    public var kwargs: WireValue?
    /// The node name of the worker.
    public var worker: String?
    /// How often the task had been retried.
    public var retries: Int?
    /// The queue, or routing key, that the message came by.
    public var queue: String?

    /// Makes the fields; all are null unless given.
    public init(
        name: String? = nil, args: WireValue? = nil, kwargs: WireValue? = nil, worker: String? = nil,
        retries: Int? = nil, queue: String? = nil
    ) {
        self.name = name
        self.args = args
        self.kwargs = kwargs
        self.worker = worker
        self.retries = retries
        self.queue = queue
    }
}
