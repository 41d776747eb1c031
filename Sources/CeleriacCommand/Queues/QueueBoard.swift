import CeleriacCore
import CeleriacWire

/// What is known of queues: what the broker counts, and what workers say of themselves.
struct QueueBoard: Sendable {
    /// What workers say of a queue.
    struct Served: Sendable, Hashable {
        /// The workers that serve it.
        var nodes: Set<String> = []
        /// How many messages of it they hold unacknowledged, and how many of those wait for their time.
        var held = 0
        var scheduled = 0
    }

    /// What workers say, by queue.
    private(set) var served: [String: Served] = [:]
    /// The workers that have answered.
    private(set) var nodes: Set<String> = []
    /// The queue of an exchange and a routing key.
    private var routes: [[String]: String] = [:]

    init() {}

    /// Notes which queues workers serve: replies to `active_queues`.
    mutating func note(queues replies: [NodeReply]) {
        for reply in replies {
            nodes.insert(reply.node)
            for queue in reply.value.arrayValue ?? [] {
                guard let name = queue["name"]?.stringValue else { continue }
                served[name, default: Served()].nodes.insert(reply.node)
                for binding in [queue] + (queue["bindings"]?.arrayValue ?? []) {
                    guard let exchange = binding["exchange"]?["name"]?.stringValue,
                        let key = binding["routing_key"]?.stringValue
                    else { continue }
                    routes[[exchange, key]] = name
                }
            }
        }
    }

    /// Notes what workers hold: replies to `active`, `reserved` or `scheduled`.
    mutating func note(tasks replies: [NodeReply], areScheduled: Bool) {
        for task in replies.flatMap({ $0.value.arrayValue ?? [] }) {
            let request = areScheduled ? task["request"] ?? .null : task
            guard request["acknowledged"]?.boolValue == false, let info = request["delivery_info"],
                let key = info["routing_key"]?.stringValue
            else { continue }
            let exchange = info["exchange"]?.stringValue ?? ""
            let queue = exchange.isEmpty ? key : routes[[exchange, key]] ?? key
            served[queue, default: Served()].held += 1
            if areScheduled { served[queue, default: Served()].scheduled += 1 }
        }
    }

    /// Notes what workers hold of tasks whose outcomes wait for the result store: replies to `stats`. Only Swift workers
    /// say it; at others such tasks are active.
    mutating func note(outcomes replies: [NodeReply]) {
        for reply in replies {
            guard let counts = reply.value["waiting_outcomes"]?.objectValue else { continue }
            for (queue, count) in zip(counts.keys, counts.values) {
                served[queue, default: Served()].held += min(max(0, count.intValue ?? 0), 1_000_000_000)
            }
        }
    }

    /// Completes what a broker has counted by what workers say, where the broker does not know.
    func completing(_ census: QueueCensus) -> QueueCensus {
        guard !nodes.isEmpty else { return census }
        var census = census
        let served = served[census.name] ?? Served()
        if census.held == nil {
            census.held = served.held
            census.scheduled = served.scheduled
        } else if census.scheduled == nil {
            census.scheduled = served.scheduled
        }
        return census
    }
}
