/// A broker that can show all messages parked from a queue in one go.
package protocol ParkedMessageWalker: MessageBroker {
    /// Looks at all messages parked from a queue once, in the order in which they were parked.
    ///
    /// - Parameters:
    ///   - queue: the queue that they were taken from.
    ///   - body: is given one page of messages after the other; it returns false for no more.
    /// - Throws: as ``MessageBroker/parkedMessages(in:after:limit:)``.
    func walkParked(in queue: String, _ body: ([ParkedMessage]) -> Bool) async throws
}

extension MessageBroker {
    /// Looks at all messages parked from a queue, in one go or page by page: as
    /// ``ParkedMessageWalker/walkParked(in:_:)``.
    package func walkParkedOrPage(in queue: String, _ body: ([ParkedMessage]) -> Bool) async throws {
        if let walker = self as? any ParkedMessageWalker { return try await walker.walkParked(in: queue, body) }
        let pageSize = 1000
        var last: String?
        while true {
            let page = try await parkedMessages(in: queue, after: last, limit: pageSize)
            guard body(page), page.count == pageSize, let id = page.last?.id, id != last else { return }
            last = id
        }
    }
}

extension CeleriacError {
    /// The error of a page that is to begin after a message that is not there.
    package static func notParked(_ id: String, in queue: String) -> CeleriacError {
        CeleriacError(
            .configuration,
            "no message \(id) is parked from \(queue) any more: list the messages again from the first")
    }
}
