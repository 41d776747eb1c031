import Logging

import struct FoundationEssentials.Date

/// Keeps a worker's queues to the bounds of parked messages, beside the worker.
///
/// It looks when the worker begins, when the worker has parked something, and when the oldest message that it knows is
/// too old. It looks now and then besides, since RabbitMQ does not count messages at which somebody else is looking.
struct ParkingBounds: Sendable {
    let policy: ParkingPolicy
    let broker: any MessageBroker
    let dialect: any Dialect
    let news: ParkingNews
    let timers: any TimerSource
    let logger: Logger
    /// The queues that the worker serves.
    let queues: @Sendable () -> [String]

    /// Keeps to the bounds until the worker stops.
    func run(until stopping: Gate) async {
        guard policy.isBounded else { return }
        let stopped = stopping.onOpen { news.parked.stop() }
        defer { stopping.forget(stopped) }
        let further = (broker.unwrapped as? any ParkedMessageKeeper)?.furtherParkingQueues ?? []
        var backoff = Backoff()
        /// The queues of which it is told that they have reached their bound, and when they were last seen full.
        var full: [String: Date] = [:]
        while !stopping.isOpen {
            var pause = Duration.seconds(15)
            do {
                for queue in queues() + further {
                    guard let trim = try await stopping.unlessOpen({ try await self.trim(queue) }) else { return }
                    if trim.isPartial || trim.isCutShort { pause = .zero }
                    // A trim that was cut short does not know what is left.
                    if !trim.isCutShort { noteFullness(trim, queue, &full) }
                    if let next = trim.next {
                        pause = min(
                            pause, max(.seconds(1), Duration(clampedSeconds: next.timeIntervalSince(timers.now))))
                    }
                }
                backoff.reset()
            } catch {
                pause = backoff.next()
                logger.warning(
                    "could not look after the bounds of parked messages, trying again",
                    metadata: ["error": "\(error)", "seconds": "\(pause.seconds)"])
            }
            if pause > .zero { await news.parked.wait(upTo: pause, by: timers) }
        }
    }

    /// Drops messages of one queue and tells of each, since nobody can look at it any more, also if the worker has
    /// stopped meanwhile.
    private func trim(_ queue: String) async throws -> ParkedTrim {
        let trim = try await broker.trimParkedByAnyMeans(in: queue, to: policy, now: timers.now)
        for (message, isForAge) in trim.dropped {
            let message = message.naming(by: dialect, in: queue)
            logger.error(
                isForAge
                    ? "dropped a parked message: it was parked for longer than parkedMessageLifetime"
                    : "dropped a parked message, the oldest: more than maximumParkedMessages are parked",
                metadata: [
                    "queue": "\(queue)", "dropped": "\(trim.dropped.count)", "left": "\(trim.left)",
                    "id": "\(message.id)", "task": "\(message.task ?? "")", "task-id": "\(message.taskID ?? "")",
                    "reason": "\(message.reason)", "parked-at": "\(message.time.map { "\($0)" } ?? "")",
                ])
        }
        return trim
    }

    /// Tells once of a queue that is full. RabbitMQ's look emptier while somebody looks at them, so one is told of again
    /// only after it was not full for a minute.
    private func noteFullness(_ trim: ParkedTrim, _ queue: String, _ full: inout [String: Date]) {
        let now = timers.now
        guard let limit = policy.limit, trim.left >= limit else {
            if let seen = full[queue], now.timeIntervalSince(seen) >= 60 { full[queue] = nil }
            return
        }
        if full.updateValue(now, forKey: queue) == nil {
            logger.error(
                "as many messages are parked as may be: each further one drops the oldest",
                metadata: ["queue": "\(queue)", "parked": "\(trim.left)", "limit": "\(limit)"])
        }
    }
}
