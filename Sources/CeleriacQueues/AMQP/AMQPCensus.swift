#if AMQP
package import CeleriacAMQP
package import CeleriacCore

extension AMQPClient {
    /// Counts the messages of queues by looking at these, which declares nothing. What consumers hold is not told.
    ///
    /// - Parameters:
    ///   - queues: the queues' names.
    ///   - levels: queues that keep messages until their time besides ours, the top one first. Without that one there are
    ///     none of them.
    ///   - broker: the broker's name, for the error.
    /// - Returns: the counts.
    /// - Throws: ``CeleriacError`` with code `unavailable` or `configuration`.
    package func census(
        of queues: [String], levels: [String], at broker: String
    ) async throws(CeleriacError) -> BrokerCensus {
        do throws(AMQPError) {
            let connection = try await connection()
            var census = BrokerCensus(queues: [])
            for name in queues {
                var queue = QueueCensus(name)
                if let found = try await connection.look(at: name) {
                    queue.waiting = found.messageCount
                    queue.consumers = found.consumerCount
                }
                // What has come back is there before it begins again.
                let companion = try await connection.look(at: RedeliveredMessage.companion(of: name))
                queue.waiting += companion?.messageCount ?? 0
                queue.parked = try await connection.look(at: Self.parkedQueue(name))?.messageCount ?? 0
                census.queues.append(queue)
            }
            let own = (0..<DelayLevels.count).reversed().map { DelayLevels.name($0) }
            var delayed = 0
            for levels in [levels, own] { delayed += try await connection.count(in: levels) }
            census.delayed = delayed
            return census
        } catch {
            throw CeleriacError(
                error.isOutOfReach ? .unavailable : .configuration, "cannot look at the queues at \(broker)",
                cause: error)
        }
    }
}

extension String {
    /// The name of the companion that notes that the queue of this name is paused.
    package var pauseCompanion: String { companion(".paused") }
}

extension AMQPConnection {
    /// Looks at a queue; nil if it does not exist, or if it is the own one of another connection.
    nonisolated func look(at queue: String) async throws(AMQPError) -> AMQPQueue? {
        do throws(AMQPError) {
            return try await withChannel { channel throws(AMQPError) in
                try await channel.queueDeclare(queue, passive: true)
            }
        } catch {
            guard error.code == .channelClosedByServer, error.replyCode == 404 || error.replyCode == 405 else {
                throw error
            }
            return nil
        }
    }

    /// Counts the messages of levels, which are all there if the top one is.
    nonisolated fileprivate func count(in levels: [String]) async throws(AMQPError) -> Int {
        guard let top = levels.first, try await look(at: top) != nil else { return 0 }
        var count = 0
        for level in levels { count += try await look(at: level)?.messageCount ?? 0 }
        return count
    }
}
#endif
