import CeleriacCore
import CeleriacWire

/// What an operator is told of a route.
struct RouteReport: Sendable {
    private let run: RouteRun

    init(_ run: RouteRun) { self.run = run }

    /// The report. A broker that cannot say how much waits in a queue is no reason to say nothing.
    var object: WireObject {
        get async {
            let status = run.counts.status
            async let waiting = try? run.source.broker.depth(of: run.route.sourceQueue)
            async let noted = noteCount
            let notes = await noted
            var object: WireObject = [
                "state": .string(Self.state(run.valve.position, isIdle: status.pending == 0 && notes == 0)),
                "from": .string(run.source.broker.name), "queue": .string(run.route.sourceQueue),
                "to": .string(run.target.broker.name), "target_queue": .string(run.route.targetQueue),
                "waiting": (await waiting).map { .int(Int64($0)) } ?? .null,
                "forwarded": .int(Int64(status.forwarded)), "repeated": .int(Int64(status.repeated)),
                "replied": .int(Int64(status.replied)), "pending": .int(Int64(status.pending)),
                "shadowed": .int(Int64(status.shadowed)),
                "refused": .object(
                    WireObject(
                        status.refused.sorted { $0.key < $1.key }.map { ($0.key, WireValue.int(Int64($0.value))) })),
            ]
            if let obstacle = status.obstacle { object["obstacle"] = .string(obstacle) }
            return object
        }
    }

    /// How many notes nobody holds.
    private var noteCount: Int {
        get async {
            guard run.hasReplies else { return 0 }
            return (try? await run.target.notes.depth(of: run.route.noteQueue)) ?? 0
        }
    }

    private static func state(_ position: Valve.Position, isIdle: Bool) -> String {
        switch position {
        case .open: "open"
        case .paused: "paused"
        case .draining: isIdle ? "drained" : "draining"
        case .ended: "ended"
        }
    }
}
