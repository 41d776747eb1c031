import CeleriacCommand
import CeleriacWire

/// What bridges reply to a verb, by their names.
struct BridgeReplies: Sendable {
    private let bridges: [(node: String, routes: WireValue)]

    init(_ replies: [String: WireValue]) {
        bridges = replies.sorted { $0.key < $1.key }.map { (node: $0.key, routes: $0.value) }
    }

    /// The replies as they came.
    var object: WireObject { ["bridges": .object(WireObject(bridges.map { ($0.node, $0.routes) }))] }

    /// Whether a bridge could not do what it was asked.
    var haveErrors: Bool { bridges.contains { Self.error(in: $0.routes) != nil } }

    /// The replies for a person: a row for each route, and below them what keeps routes from their work.
    var lines: [String] {
        var rows: [[String?]] = []
        var notes: [String] = []
        for (node, routes) in bridges {
            if let error = Self.error(in: routes) {
                notes.append("\(node): \(error)".printable)
                continue
            }
            for (name, route) in routes.objectValue ?? [:] {
                let refused = route["refused"]?.objectValue?.compactMap { $0.value.intValue }
                rows.append([
                    node, name, route["state"]?.stringValue, route["queue"]?.stringValue,
                    route["target_queue"]?.stringValue, Self.number(route["waiting"]),
                    Self.number(route["forwarded"]), Self.number(route["replied"]), Self.number(route["pending"]),
                    refused.map { String($0.reduce(0, +)) },
                ])
                let obstacles = [route["obstacle"], route["failure"]].compactMap { $0?.stringValue }
                notes += obstacles.map { "\(node), \(name): \($0)".printable }
            }
        }
        if rows.isEmpty, !notes.isEmpty { return notes }
        let table = TextTable(
            [
                "BRIDGE", "ROUTE", "STATE", "QUEUE", "TARGET", "WAITING", "FORWARDED", "REPLIED", "PENDING", "REFUSED",
            ], rows, empty: "The bridges have no routes.")
        return table.lines + notes
    }

    private static func error(in routes: WireValue) -> String? { routes["error"]?.stringValue }

    private static func number(_ value: WireValue?) -> String? { value?.intValue.map { String($0) } }
}
