/// Queues by patterns of task names: the entries of `task_routes` whose names have a `*`, read as Python's `fnmatch`
/// does.
///
/// A name that stands in the routes itself goes before every pattern.
package struct RoutePatterns: Sendable {
    private let patterns: [(pattern: GlobPattern, queue: String)]

    /// Finds the patterns among routes.
    ///
    /// - Parameters:
    ///   - routes: queues by task name or pattern.
    ///   - order: the patterns in the order in which they count. Those that it does not name come after them, the longest
    ///     first.
    package init(_ routes: [String: String] = [:], order: [String] = []) {
        let rest = routes.keys.filter { $0.contains("*") && !order.contains($0) }
        let sorted = rest.sorted { ($1.utf8.count, $0) < ($0.utf8.count, $1) }
        patterns = (order + sorted).compactMap { name in
            routes[name].map { (GlobPattern(name), $0) }
        }
    }

    /// The queue of a task; nil if no pattern matches its name.
    func queue(of task: String) -> String? {
        patterns.first { $0.pattern.matches(task) }?.queue
    }
}
