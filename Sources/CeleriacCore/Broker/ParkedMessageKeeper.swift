package import struct FoundationEssentials.Date

/// A broker that can drop the oldest parked messages, and note that a failure is stored by now.
package protocol ParkedMessageKeeper: MessageBroker {
    /// Names from which messages are parked besides a worker's queues.
    var furtherParkingQueues: [String] { get }

    /// Drops the oldest messages parked from a queue: those beyond the policy's number, and those older than its age.
    /// It never drops what another worker has made room for meanwhile, and drops no more than
    /// ``ParkedTrim/mostDropped`` in one go.
    ///
    /// - Parameters:
    ///   - queue: the queue that they were taken from.
    ///   - policy: the number and the age.
    ///   - now: the time.
    /// - Returns: what was dropped and what is left, also if the broker could not go on after some were dropped.
    /// - Throws: the broker's error, if nothing was dropped.
    func trimParked(in queue: String, to policy: ParkingPolicy, now: Date) async throws -> ParkedTrim

    /// Notes in parked messages that it is stored that their tasks have failed. Their places in the order stay; their
    /// ids may change. A message is in the queue's companion at every moment.
    ///
    /// - Parameters:
    ///   - ids: the messages, by their ``ParkedMessage/id``. Those that are no longer parked are skipped.
    ///   - queue: the queue that they were taken from.
    /// - Throws: the broker's error.
    func markTold(_ ids: [String], in queue: String) async throws
}

extension ParkedMessageKeeper {
    package var furtherParkingQueues: [String] { [] }
}

/// What became of a queue's parked messages when the oldest were dropped.
package struct ParkedTrim: Sendable {
    /// How many messages are dropped in one go at most, since each is kept in memory until it is logged.
    package static let mostDropped = 1000

    /// The messages that were dropped, with their content, and whether each was for its age.
    package var dropped: [(message: ParkedMessage, isForAge: Bool)] = []
    /// How many messages are left, as far as is known.
    package var left = 0
    /// When the next message is too old; nil if none is known that will be.
    package var next: Date?
    /// Whether no more may be dropped in one go.
    package var isPartial: Bool { dropped.count >= Self.mostDropped }
    /// Whether the broker failed after some messages were dropped.
    package private(set) var isCutShort = false

    package init() {}

    /// Ends a trim that failed. Messages that were dropped before are told all the same, since nobody can look at them
    /// any more; the next trim meets the error again if it lasts.
    ///
    /// - Throws: `error`, if nothing was dropped.
    package mutating func cutShort(by error: any Error) throws {
        if dropped.isEmpty { throw error }
        isCutShort = true
    }
}

extension MessageBroker {
    /// Drops the oldest messages parked from a queue, by the broker's own means or by looking at all of them: as
    /// ``ParkedMessageKeeper/trimParked(in:to:now:)``.
    package func trimParkedByAnyMeans(in queue: String, to policy: ParkingPolicy, now: Date) async throws -> ParkedTrim
    {
        if let keeper = unwrapped as? any ParkedMessageKeeper {
            return try await keeper.trimParked(in: queue, to: policy, now: now)
        }
        return try await trimParkedByWalking(in: queue, to: policy, now: now)
    }

    /// Drops the oldest messages parked from a queue after a look at all of them.
    package func trimParkedByWalking(in queue: String, to policy: ParkingPolicy, now: Date) async throws -> ParkedTrim {
        var count = 0
        try await walkParkedOrPage(in: queue) { page in
            count += page.count
            return true
        }
        var trim = ParkedTrim()
        trim.left = count
        try await walkParkedOrPage(in: queue) { page in
            for message in page {
                guard policy.admits(message, in: &trim, now: now) else { return false }
            }
            return true
        }
        if !trim.dropped.isEmpty { _ = try await dropParked(trim.dropped.map(\.message.id), in: queue) }
        return trim
    }
}

extension ParkingPolicy {
    /// Decides on the next message in the order in which they were parked.
    ///
    /// - Parameters:
    ///   - message: the message.
    ///   - trim: what became of those before. It counts the message as left, and as dropped if that is decided.
    ///   - now: the time.
    /// - Returns: whether a later message may have to be dropped.
    package func admits(_ message: ParkedMessage, in trim: inout ParkedTrim, now: Date) -> Bool {
        if trim.isPartial { return false }
        let isSurplus = limit.map { trim.left > $0 } ?? false
        let end = age.flatMap { age in message.time?.addingTimeInterval(age.seconds) }
        if isSurplus || end.map({ $0 <= now }) ?? false {
            trim.dropped.append((message, !isSurplus))
            trim.left -= 1
            return true
        }
        // Who knows when it was parked; those behind it may be older than allowed.
        guard let end else { return age != nil }
        trim.next = end
        return false
    }
}
