import CeleriacWire
import CeleryDialect
import CeleryWire
import Foundation

/// Writes events as `celery events --dump` does, a line each.
///
/// It differs where Celery's would end or harm somebody: an event without a field that Celery takes for granted shows
/// nothing in its place, and what would control the terminal is escaped.
struct EventDump: Sendable {
    /// How many tasks are remembered, as by Celery, so that later events of a task can show its name.
    static let maximumTasks = 4095

    private let utcOffset: Double
    private var tasks: [String: String] = [:]
    /// The ids of the tasks, the oldest first, from `oldest` on.
    private var order: [String] = []
    private var oldest = 0

    /// Makes a dump.
    ///
    /// - Parameter utcOffset: by how many hours this host's clock is behind UTC. Celery shifts the times of senders
    ///   elsewhere by the difference.
    init(utcOffset: Double = ProcessFacts.utcOffset) { self.utcOffset = utcOffset }

    /// The line that Celery begins with.
    static let beginning = "-> evdump: starting capture..."
    /// The line that Celery writes when the connection is lost.
    static let loss = "-> Connection lost, attempting reconnect"

    /// The line of an event.
    mutating func line(_ event: WireObject) -> String {
        var event = event
        let time = self.time(event.removeValue(forKey: "timestamp")?.doubleValue, event["utcoffset"]?.doubleValue)
        let type = Self.text(event.removeValue(forKey: "type")).lowercased()
        let node = Self.text(event.removeValue(forKey: "hostname"))
        let task = type.hasPrefix("task-") ? self.task(&event, type) + " " : ""
        let fields = event.sorted { $0.key.unicodeScalars.lexicographicallyPrecedes($1.key.unicodeScalars) }
            .map { "\($0.key)=\(PythonText.str($0.value))" }.joined(separator: ", ")
        return "\(node) [\(time)] \(Self.words(of: type))\(fields.isEmpty ? "" : ":") \(task)\(fields)".printable
    }

    /// The task of an event, whose name only two of them tell.
    private mutating func task(_ event: inout WireObject, _ type: String) -> String {
        let id = Self.text(event.removeValue(forKey: "uuid"))
        guard type == "task-received" || type == "task-sent" else { return tasks[id] ?? "" }
        let name = Self.text(event.removeValue(forKey: "name"))
        let args = Self.text(event.removeValue(forKey: "args"))
        let kwargs = Self.text(event.removeValue(forKey: "kwargs"))
        let task = "\(name)(\(id)) args=\(args) kwargs=\(kwargs)"
        remember(task, as: id)
        return task
    }

    private mutating func remember(_ task: String, as id: String) {
        if tasks.updateValue(task, forKey: id) == nil { order.append(id) }
        if tasks.count > Self.maximumTasks, oldest < order.count {
            tasks[order[oldest]] = nil
            oldest += 1
        }
        // What is forgotten is taken out now and then.
        if oldest > Self.maximumTasks {
            order.removeFirst(oldest)
            oldest = 0
        }
    }

    /// A time as Python shows it.
    private func time(_ seconds: Double?, _ offset: Double?) -> String {
        guard let seconds, seconds.isFinite else { return "" }
        let shifted = seconds - (offset.map { ($0 - utcOffset) * 3600 } ?? 0)
        let text = CeleryTime.text(Date(timeIntervalSince1970: shifted)) ?? ""
        return text.replacing("T", with: " ")
    }

    private static func words(of type: String) -> String {
        switch type {
        case "worker-offline": "shutdown"
        case "worker-online": "started"
        case "worker-heartbeat": "heartbeat"
        default: type.replacing("-", with: " ")
        }
    }

    private static func text(_ value: WireValue?) -> String { value.map { PythonText.str($0) } ?? "" }
}
