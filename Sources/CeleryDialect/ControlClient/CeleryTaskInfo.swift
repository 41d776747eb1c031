public import CeleriacWire
import CeleryWire

public import struct FoundationEssentials.Date

/// A task that a worker holds, as inspections show it.
public struct CeleryTaskInfo: Sendable {
    private let info: CeleryRequestInfo
    /// What the worker does with the task: `active` while it runs, `reserved` while it waits to run, `scheduled` until
    /// its time comes, `ready` if the worker knows no more than that it was received.
    public let state: String
    /// The time before which the task does not run; nil where the inspection does not tell.
    public let eta: Date?

    /// The task's id.
    public var id: String { info.id }
    /// The task's name.
    public var name: String { info.name }
    /// The positional arguments: an array, or text if the inspection asked for that.
    public var arguments: WireValue { info.args }
    /// The keyword arguments: an object, or text if the inspection asked for that.
    public var keywordArguments: WireValue { info.kwargs }
    /// When the task began to run; nil if it has not.
    public var startTime: Date? { info.startTime.map { Date(timeIntervalSince1970: $0) } }
    /// Whether the worker has acknowledged the message.
    public var isAcknowledged: Bool { info.isAcknowledged }
    /// Whether the message was delivered before.
    public var isRedelivered: Bool { info.isRedelivered }
    /// The exchange that the message was published to; empty for the default exchange.
    public var exchange: String { info.exchange }
    /// The routing key of the message; on the default exchange the name of the queue.
    public var routingKey: String { info.routingKey }
    /// The priority of the message; 0 if it has none.
    public var priority: Int { info.priority }
    /// The id of the process that runs the task; nil if none does.
    public var processID: Int? { info.processID }

    /// Reads a description; nil if it is none.
    init?(_ value: WireValue, state: String, eta: Date? = nil) {
        guard let info = CeleryRequestInfo(value) else { return nil }
        self.info = info
        self.state = state
        self.eta = eta
    }

    /// Reads a list of descriptions; nil if an element is none.
    static func list(_ value: WireValue, _ read: (WireValue) -> CeleryTaskInfo?) -> [CeleryTaskInfo]? {
        guard let items = value.arrayValue else { return nil }
        let read = items.compactMap(read)
        return read.count == items.count ? read : nil
    }
}
