import CeleriacCore
package import CeleriacWire
import CeleryDialect
import CeleryWire

/// Carries out what operators ask of a bridge by remote control. Where Celery has a command for it the bridge takes that, so
/// that `celery inspect` and `celery control` reach it; its own commands name routes.
package struct BridgeDesk: Sendable {
    private let bridge: Bridge

    /// Makes the desk of a bridge.
    package init(_ bridge: Bridge) { self.bridge = bridge }

    /// Carries out a command.
    ///
    /// - Parameters:
    ///   - method: the command.
    ///   - arguments: its arguments.
    /// - Returns: the reply, in which errors are in Python's words.
    package func answer(_ method: String, _ arguments: WireObject) async -> WireValue {
        switch method {
        case "ping": return ["ok": "pong"]
        case "hello": return hello(arguments)
        case "stats":
            return [
                "pid": .int(Int64(ProcessFacts.processID)), "total": .object(total), "pool": [:],
                "bridge": .object(await routes(nil)),
            ]
        case "active_queues":
            let open = bridge.runs.filter { $0.valve.position == .open }
            return .array(open.map { CeleryControlCommand.description(of: TaskQueue($0.route.sourceQueue)) })
        // A bridge runs nothing itself.
        case "active", "reserved", "scheduled", "registered": return []
        case "revoked": return revoked
        case "revoke": return await revoke(arguments)
        case "cancel_consumer": return turn(queue: arguments["queue"], to: .paused, "no longer consuming from")
        case "add_consumer": return turn(queue: arguments["queue"], to: .open, "add consumer")
        case "bridge_status": return await status(arguments["route"])
        case "bridge_pause": return await turn(arguments["route"], to: .paused)
        case "bridge_resume": return await turn(arguments["route"], to: .open)
        case "bridge_drain": return await turn(arguments["route"], to: .draining)
        default:
            return ["error": .string(PythonExceptionText.text(type: "KeyError", arguments: [.string(method)]))]
        }
    }

    // MARK: Telling

    private var revoked: WireValue { .array(bridge.revoked.all.map { .string($0) }) }

    /// Takes over what another node knows to be revoked, and tells what this one knows.
    private func hello(_ arguments: WireObject) -> WireValue {
        // A bridge hears its own greeting where it begins to listen in time.
        if arguments["from_node"]?.stringValue == bridge.nodeName { return .null }
        for id in Mingling.ids(in: arguments["revoked"]) { bridge.revoked.insert(id) }
        return ["revoked": revoked, "clock": 0]
    }

    /// How many messages each route has forwarded, where a worker counts its tasks.
    private var total: WireObject {
        WireObject(bridge.runs.map { ($0.route.name, WireValue.int(Int64($0.counts.status.forwarded))) })
    }

    private func status(_ name: WireValue?) async -> WireValue {
        let routes = await self.routes(name)
        guard routes.isEmpty, let name, !name.isNull else { return .object(routes) }
        return Self.unknown(name)
    }

    private func routes(_ name: WireValue?) async -> WireObject {
        var routes: WireObject = [:]
        for (route, status) in bridge.status.sorted(by: { $0.key < $1.key }) where status.failure != nil {
            routes[route] = ["state": "failed", "failure": .string(status.failure ?? "")]
        }
        for run in bridge.runs { routes[run.route.name] = .object(await RouteReport(run).object) }
        guard let name, !name.isNull else { return routes }
        guard let route = name.stringValue, let report = routes[route] else { return [:] }
        return [route: report]
    }

    private static func unknown(_ name: WireValue) -> WireValue {
        ["error": .string("the bridge has no route '\(name.stringValue ?? "")'")]
    }

    // MARK: Steering

    private func turn(_ name: WireValue?, to position: Valve.Position) async -> WireValue {
        let all = bridge.runs
        let chosen = name.map { $0.isNull } ?? true ? all : all.filter { $0.route.name == name?.stringValue }
        for run in chosen { run.valve.turn(to: position) }
        return await status(name)
    }

    private func turn(queue: WireValue?, to position: Valve.Position, _ words: String) -> WireValue {
        let queue = queue?.stringValue ?? ""
        let chosen = bridge.runs.filter { $0.route.sourceQueue == queue }
        for run in chosen { run.valve.turn(to: position) }
        return chosen.isEmpty && position == .open
            ? ["error": .string("the bridge has no route from \(queue)")] : ["ok": .string("\(words) \(queue)")]
    }

    private func revoke(_ arguments: WireObject) async -> WireValue {
        let given = arguments["task_id"] ?? .null
        let ids = (given.arrayValue ?? [given]).compactMap(\.stringValue)
        await bridge.revoke(
            ids, terminate: arguments["terminate"]?.boolValue ?? false, signal: arguments["signal"]?.stringValue)
        return ["ok": .string("tasks \(ids.joined(separator: ", ")) flagged as revoked")]
    }
}
