import CeleriacCore

extension BridgeFile {
    /// Refuses routes that cannot work together: equal names, two that take from one queue, and those that lead round.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration`.
    func check() throws(CeleriacError) {
        if ways.isEmpty { throw CeleriacError(.configuration, "the bridge's file has no routes") }
        var names: Set<String> = []
        var sources: [Place: String] = [:]
        for way in ways {
            let name = way.route.name
            guard names.insert(name).inserted else {
                throw CeleriacError(.configuration, "two routes have the name '\(name)'\(way.location)")
            }
            guard let source = place(way.from, way.route.sourceQueue), let target = place(way.to, way.route.targetQueue)
            else { continue }
            if source == target {
                throw CeleriacError(
                    .configuration, "the route '\(name)' leads from its queue into itself\(way.location)")
            }
            if let other = sources.updateValue(name, forKey: source) {
                throw CeleriacError(
                    .configuration,
                    "the routes '\(other)' and '\(name)' take from one queue, so chance would choose\(way.location)")
            }
            try check(way)
        }
        for way in ways where leadsBack(from: way) {
            throw CeleriacError(
                .configuration,
                "the route '\(way.route.name)' leads back to its own queue by way of others\(way.location)")
        }
    }

    /// A queue at a broker.
    private struct Place: Hashable {
        var broker: String
        var queue: String
    }

    private func place(_ end: String, _ queue: String) -> Place? {
        ends[end].map { Place(broker: $0.broker, queue: queue) }
    }

    private func check(_ way: Way) throws(CeleriacError) {
        guard let source = ends[way.from], let target = ends[way.to] else { return }
        let name = way.route.name
        if let shadow = way.route.shadow?.queue, shadow == way.route.targetQueue {
            throw CeleriacError(
                .configuration, "the route '\(name)' copies messages into the queue where they go\(way.location)")
        }
        if source.kind == target.kind {
            for rule in way.route.tasks.rules where rule.target != nil && rule.target != rule.pattern.text {
                throw CeleriacError(
                    .configuration,
                    "the route '\(name)' renames \(rule.pattern.text), but one within a dialect passes messages as they are\(way.location)"
                )
            }
            return
        }
        guard target.results != nil else {
            throw CeleriacError(
                .configuration,
                "the side '\(way.to)' needs results: the route '\(name)' waits for them there\(way.location)")
        }
        guard !target.deliversResultsOnce else {
            throw CeleriacError(
                .configuration,
                "the side '\(way.to)' keeps results in queues, where only one reader finds them: use redis:// or file://\(way.location)"
            )
        }
    }

    /// Whether messages of a route can come back to its queue.
    private func leadsBack(from way: Way) -> Bool {
        guard let start = place(way.from, way.route.sourceQueue), var here = place(way.to, way.route.targetQueue) else {
            return false
        }
        // A queue has one route at most, so there is one way to go on.
        for _ in ways {
            if here == start { return true }
            guard let next = ways.first(where: { place($0.from, $0.route.sourceQueue) == here }),
                let there = place(next.to, next.route.targetQueue)
            else { return false }
            here = there
        }
        return here == start
    }
}
