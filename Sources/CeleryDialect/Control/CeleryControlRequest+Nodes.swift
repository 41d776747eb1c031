package import CeleryWire

extension CeleryControlRequest {
    /// Whether the request is for a node: it names the node, has a pattern that matches it, or is for all nodes.
    ///
    /// - Throws: A `MessageFault` for a pattern that cannot be read.
    package func isFor(nodeName: String) throws -> Bool {
        if let destination { return destination.contains(nodeName) }
        guard let pattern, let matcher, !pattern.isEmpty, !matcher.isEmpty else { return true }
        return try NodePattern(pattern, matcher: matcher).matches(nodeName)
    }
}
