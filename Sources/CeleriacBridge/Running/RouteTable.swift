import CeleriacCore

/// Which routes of a bridge run, and which begin once those of their names have ended.
struct RouteTable: Sendable {
    /// The routes that run, by their names.
    private(set) var running: [String: RouteRun] = [:]
    /// The routes that are to begin.
    private var following: [String: RouteRun] = [:]

    /// The routes as the bridge was last told, by their names.
    var current: [String: RouteRun] {
        running.filter { !$0.value.stop.isOpen }.merging(following) { $1 }
    }

    /// Puts routes in the place of all that are not kept.
    ///
    /// - Parameters:
    ///   - kept: the names of the routes that go on.
    ///   - new: the routes that begin.
    /// - Returns: the routes to halt.
    mutating func replace(keeping kept: Set<String>, by new: [RouteRun]) -> [RouteRun] {
        following = following.filter { kept.contains($0.key) }
        for run in new { following[run.route.name] = run }
        return running.values.filter { !kept.contains($0.route.name) }
    }

    /// Takes out the routes that can begin, which run from now on.
    mutating func begin() -> [RouteRun] {
        let ready = following.filter { running[$0.key] == nil }
        for (name, run) in ready {
            following[name] = nil
            running[name] = run
        }
        return ready.values.sorted { $0.route.name < $1.route.name }
    }

    /// Notes that a route has ended.
    mutating func end(_ name: String) { running[name] = nil }

    /// Whether a side is in use.
    func uses(_ end: BridgeEnd) -> Bool {
        (Array(running.values) + Array(following.values)).contains {
            $0.source.client === end.client || $0.target.client === end.client
        }
    }
}
