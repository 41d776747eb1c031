#if AMQP
import CeleriacAMQP
package import CeleriacCore
import CeleriacWire
import MachineryWire

// Groups: the ends of members in the queue of their group are all that exists of a group.
//
// Go takes these ends for good before it sends the callback, so nobody sends it if its process dies in between. Celeriac
// takes them without acknowledging them until the callback is sent: RabbitMQ puts them back when the process dies, and whoever
// runs the member again, whose message was not acknowledged either, finds them. Meanwhile they are in no queue, so a queue
// of our own, which lives as long as the connection, tells the others that somebody has them.
extension MachineryAMQPResults {
    /// How far the joining of a member came whose outcome the worker has not heard.
    enum Progress: Sendable {
        /// Its end may lie in the queue of the group.
        case sent
        /// Its end lies in the queue of the group.
        case published
        /// Its end was not in the queue of the group when another worker had the ends of all members.
        case held
        /// Its end was not in the queue of the group, and nobody had it, as far as could be seen.
        case unseen
        /// This process has begun to take the ends of all members for it. A lost connection may have them still.
        case taking
    }

    /// What is to be done for a member before the ends of its group are counted.
    private enum Standing {
        /// Its end must be published.
        case unpublished
        /// Its end was published.
        case published
        /// Another worker may have its end, and send the callback or die: look again after this time.
        case hidden(Duration)
    }

    /// What came of taking the ends of all members.
    private enum Taking {
        case all([[UInt8]])
        /// Not all are there, or another worker goes on with them.
        case incomplete
        /// They were taken for this member before, by a worker or a connection that may be dead.
        case held
    }

    /// How long this process keeps the ends of a group that it does not close: the worker may have given the message back.
    private static let keepTime = Duration.seconds(60)
    /// How long RabbitMQ keeps the mark of a group whose ends were taken, in milliseconds. It outlives ``keepTime``.
    private static let markTime: Int64 = 75_000
    /// How often a member waits for another worker that has the ends, before the store counts as out of reach. The waits
    /// grow to 16 s, so that they outlast the mark of a worker that lives.
    private static let maximumWaits = 8

    /// Publishes the ends of members to the queue of their group. A caller that finds as many ends there as the group has
    /// members gets the states of all, in the order in which they ended.
    ///
    /// The end of a member that joins again, because the outcome was lost, is not published again if it is there, and
    /// the states that were taken for it are not lost.
    package func perform(_ operations: [ChordOperation]) async throws -> [ChordCompletion?] {
        try await reach("join groups") {
            for channel in self.taken.takeAbandoned() { await channel.close() }
            for operation in operations {
                if case .close(let claim, _) = operation { try await self.end(claim) }
            }
            let ended = operations.compactMap { operation -> ChordPart? in
                guard case .add(let part) = operation else { return nil }
                return part
            }
            var unpublished: [ChordPart] = []
            var hidden: [ChordPart: Duration] = [:]
            for part in ended {
                switch try await self.standing(of: part) {
                case .unpublished: unpublished.append(part)
                case .published: break
                case .hidden(let duration): hidden[part] = duration
                }
            }
            try await self.publish(unpublished)
            var completed: Set<String> = []
            var completions: [ChordCompletion?] = []
            for operation in operations {
                guard let part = operation.chordPart, !completed.contains(part.groupID) else {
                    completions.append(nil)
                    continue
                }
                if let duration = hidden[part] {
                    completions.append(Self.completion(of: part, heldFor: duration))
                    continue
                }
                switch try await self.takeAll(part) {
                case .all(let states):
                    completed.insert(part.groupID)
                    completions.append(Self.completion(of: part, states))
                case .held:
                    hidden[part] = try self.wait(of: part)
                    completions.append(Self.completion(of: part, heldFor: hidden[part]))
                case .incomplete:
                    completions.append(nil)
                }
            }
            self.unsettled.forget(ended.filter { hidden[$0] == nil })
            return completions
        }
    }

    private static func completion(
        of part: ChordPart, _ states: [[UInt8]] = [], heldFor duration: Duration? = nil
    ) -> ChordCompletion {
        var completion = ChordCompletion(
            claim: ChordClaim(groupID: part.groupID, token: part.taskID), parts: states, group: nil)
        completion.heldFor = duration
        return completion
    }

    // MARK: Joining

    /// Publishes the ends of members to the queues of their groups. What RabbitMQ can put into none is not published
    /// again: the queue of a group goes when the group is complete, and with it goes what the others had put there.
    private func publish(_ parts: [ChordPart]) async throws {
        if parts.isEmpty { return }
        for id in Set(parts.map(\.groupID)).sorted() { try await declare(id) }
        for part in parts { unsettled[part] = .sent }
        let outcomes = try await client.publish(
            parts.map { message($0.payload, to: $0.groupID, mandatory: false) })
        for (part, outcome) in zip(parts, outcomes) { unsettled[part] = outcome.error == nil ? .published : nil }
        for outcome in outcomes { if let error = outcome.error { throw error } }
    }

    /// Whether the end of a member must be published. The queue counts every message, so the store looks there first if
    /// a publication was not confirmed, or if a worker may have published before it died.
    private func standing(of part: ChordPart) async throws -> Standing {
        if taken.states(for: part) != nil { return .published }
        let progress = unsettled[part]
        switch progress {
        case .published?, .taking?:
            return .published
        case .sent?:
            // Where the queue is gone, a worker has found the group complete; it has this end, too, if it has the others.
            guard try await hasEnd(of: part, matching: { $0 == part.payload }) == false else { return .published }
            return try await isMarked(part.groupID) ? .published : .unpublished
        case nil where !part.mayBeAdded:
            return .unpublished
        case .held?, .unseen?, nil:
            let isThere = try await hasEnd(of: part) { (try? MachineryTaskState.decode($0))?.taskUUID == part.taskID }
            guard let isThere else {
                // Where there is no queue, this may be the first member to end, or the callback was sent.
                return progress == .held ? .published : .unpublished
            }
            if isThere { return .published }
            guard part.mayHaveCompleted, part.size != nil else { return .unpublished }
            if try await isMarked(part.groupID) {
                unsettled[part] = .held
                return .hidden(try wait(of: part))
            }
            // When a worker dies, its mark may go a moment before RabbitMQ puts back what it had.
            if progress == .unseen { return .unpublished }
            unsettled[part] = .unseen
            return .hidden(.milliseconds(250))
        }
    }

    /// How long a member waits for another worker that has the ends.
    private func wait(of part: ChordPart) throws -> Duration {
        guard part.waits < Self.maximumWaits else {
            throw CeleriacError(.unavailable, "another worker kept the ends of a group's members all the time")
        }
        let seconds: Int = 1 << min(max(part.waits, 0), 4)
        return .seconds(seconds)
    }

    /// Whether a matching end is in the queue of a member's group; nil if there is no queue.
    private func hasEnd(of part: ChordPart, matching: ([UInt8]) -> Bool) async throws -> Bool? {
        do {
            var isThere = false
            try await withChannel { channel in
                try await channel.queueDeclare(part.groupID, passive: true)
                var tags: [UInt64] = []
                while !isThere, let delivery = try await channel.get(queue: part.groupID) {
                    tags.append(delivery.deliveryTag)
                    isThere = matching(delivery.message.body)
                }
                channel.nack(tags, requeue: true)
            }
            return isThere
        } catch let error as AMQPError where error.replyCode == 404 {
            return nil
        }
    }

    // MARK: Taking

    /// Takes the ends of all members if they are all there, and keeps them unacknowledged. If two workers try at once, one
    /// may find that the other, which may be one of Go, has some of them. It then puts back what it has and tries again,
    /// unless the other has removed the queue.
    ///
    /// It throws when its task is cancelled, as all calls of the transport then do. A worker calls it from a task that
    /// nobody cancels, even when the worker's own caller is.
    private func takeAll(_ part: ChordPart) async throws -> Taking {
        if let states = taken.states(for: part) { return .all(states) }
        let size = part.size ?? .max
        let hasTried = unsettled[part] == .taking
        for attempt in 0..<10 {
            if attempt > 0 { try await timers.sleep(for: .milliseconds(Int.random(in: 5...50))) }
            guard let ready = try await readyEnds(of: part.groupID) else { return .incomplete }
            guard ready >= size else { return hasTried ? .held : .incomplete }
            // Another call of this process may take them.
            guard taken.begin(part.groupID) else { continue }
            do {
                unsettled[part] = .taking
                guard try await mark(part.groupID) else {
                    taken.giveUp(part.groupID)
                    return hasTried || part.mayHaveCompleted ? .held : .incomplete
                }
                if let states = try await take(part, size) { return .all(states) }
                taken.giveUp(part.groupID)
            } catch {
                taken.giveUp(part.groupID)
                guard (error as? AMQPError)?.replyCode == 404 else { throw error }
                return .incomplete
            }
        }
        return hasTried ? .held : .incomplete
    }

    /// The number of ends that lie in the queue of a group; nil if there is no queue.
    private func readyEnds(of groupID: String) async throws -> Int? {
        do {
            var ready = 0
            try await withChannel { channel in
                ready = try await channel.queueDeclare(groupID, passive: true).messageCount
            }
            return ready
        } catch let error as AMQPError where error.replyCode == 404 {
            return nil
        }
    }

    /// Takes the ends of as many members as a group has. It counts messages, as Go does, since members may have one id. If
    /// there are more, a worker that could not see an end has published it again: then each member counts once.
    ///
    /// - Returns: the states; nil if there are too few, which are then put back.
    private func take(_ part: ChordPart, _ size: Int) async throws -> [[UInt8]]? {
        let channel = try await client.connection().openChannel(confirms: false)
        do {
            var states: [[UInt8]] = []
            var tags: [UInt64] = []
            while let delivery = try await channel.get(queue: part.groupID) {
                tags.append(delivery.deliveryTag)
                states.append(delivery.message.body)
            }
            if states.count > size { states = Self.eachOnce(states, size) }
            if states.count == size {
                let (groupID, taskID) = (part.groupID, part.taskID)
                let timer = timers.schedule(after: Self.keepTime) { [taken] in taken.abandon(groupID, of: taskID) }
                taken.keep(states, for: part, tags: tags, on: channel, until: timer)
                return states
            }
            channel.nack(tags, requeue: true)
            try await channel.queueDelete(TriggerMark.name(ofGroup: part.groupID))
        } catch {
            await channel.close()
            throw error
        }
        await channel.close()
        return nil
    }

    /// So many of the states: of members that have several, the first alone, as long as there are too many.
    static func eachOnce(_ states: [[UInt8]], _ size: Int) -> [[UInt8]] {
        var surplus = states.count - size
        var members: Set<String> = []
        let chosen = states.filter { state in
            guard surplus > 0, let member = try? MachineryTaskState.decode(state).taskUUID,
                !members.insert(member).inserted
            else { return true }
            surplus -= 1
            return false
        }
        return Array(chosen.prefix(size))
    }

    /// Acknowledges the ends of a group's members, since the callback is sent or its failure is stored.
    private func end(_ claim: ChordClaim) async throws {
        if let ends = taken.end(claim) {
            ends.channel.ack(ends.tags)
            await ends.channel.close()
        }
        try await withChannel { channel in try await channel.queueDelete(claim.groupID) }
        // Without the ends the mark says nothing. It expires by itself, and may be another worker's by now.
        try? await withChannel { channel in
            try await channel.queueDelete(TriggerMark.name(ofGroup: claim.groupID))
        }
    }

    // MARK: Marks

    /// Marks that this process takes the ends of a group's members. RabbitMQ removes the mark with the connection.
    ///
    /// - Returns: whether no other worker has marked that.
    private func mark(_ groupID: String) async throws -> Bool {
        do {
            try await withChannel { channel in
                try await channel.queueDeclare(
                    TriggerMark.name(ofGroup: groupID), durable: false, exclusive: true,
                    arguments: ["x-expires": .int(Self.markTime)])
            }
            return true
        } catch let error as AMQPError where error.isOfAnother {
            return false
        } catch let error as AMQPError where error.isLackOfRight {
            // The mark is for the moment in which a worker dies. The callback does not wait for it.
            return true
        }
    }

    /// Whether a worker has taken the ends of a group's members, or is about to.
    private func isMarked(_ groupID: String) async throws -> Bool {
        do {
            try await withChannel { channel in
                try await channel.queueDeclare(TriggerMark.name(ofGroup: groupID), passive: true)
            }
            return true
        } catch let error as AMQPError where error.isOfAnother {
            return true
        } catch let error as AMQPError where error.replyCode == 404 || error.isLackOfRight {
            return false
        }
    }
}
#endif
