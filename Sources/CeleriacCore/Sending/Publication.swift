package import struct FoundationEssentials.Date

/// The steps that send a submission, and the reference to its result.
package struct Publication: Sendable, Equatable {
    /// The steps, in order.
    package var steps: [Step]
    /// The result of what is sent; nil if nothing is sent.
    package var result: ResultReference?

    package init(steps: [Step], result: ResultReference?) {
        self.steps = steps
        self.result = result
    }

    /// One step: one of the few effects that a sender may cause. A sender settles no delivery, calls no callback and
    /// completes no chord.
    package enum Step: Sendable, Equatable {
        /// Publish messages.
        case publish([OutgoingMessage])
        /// Store a state that a task has before its message is published.
        case store(ResultRecord)
        /// Prepare a chord or a group, before the messages of its tasks are published.
        case chord(ChordPreparation)

        /// The step as an effect, for what follows from an outcome.
        package var effect: Effect {
            switch self {
            case .publish(let messages): .publish(messages)
            case .store(let record): .store(record)
            case .chord(let preparation): .chord(preparation.operation)
            }
        }
    }

    /// The operations of a chord that come before its first part ends and therefore cannot complete it.
    package enum ChordPreparation: Sendable, Equatable {
        /// A header of `size` parts is about to be published.
        case open(groupID: String, size: Int)
        /// The header has one more part.
        case extend(groupID: String)
        /// The shape of a group's results.
        case save(groupID: String, payload: [UInt8], expiry: Duration?)

        /// The operation that the result store carries out.
        package var operation: ChordOperation {
            switch self {
            case .open(let groupID, let size): .open(groupID: groupID, size: size)
            case .extend(let groupID): .extend(groupID: groupID)
            case .save(let groupID, let payload, let expiry):
                .save(groupID: groupID, payload: payload, expiry: expiry)
            }
        }
    }
}

/// What a dialect may know when it makes a publication.
package struct PublicationContext: Sendable {
    /// The time.
    package var now: Date
    /// The queue on which the sender waits for results; empty if it waits elsewhere or not at all.
    package var replyTo: String
    /// The task that sends, if one does.
    package var parent: TaskRequest?
    /// The queue for tasks that name no queue.
    package var defaultQueue: String
    /// Queues by task name.
    package var routes: [String: String]
    /// Whether the result store counts the parts of chords.
    package var countsChords: Bool
    /// Whether results can be fetched after they were stored. A chord that the store does not count needs that, because
    /// a task fetches the results of its header.
    package var keepsResults: Bool
    /// How long results are kept; nil for ever.
    package var resultExpiry: Duration?
    /// What goes along with each message that is published; nil for nothing.
    package var outbound: Outbound?

    package init(
        now: Date, replyTo: String, parent: TaskRequest? = nil, defaultQueue: String, routes: [String: String],
        countsChords: Bool, keepsResults: Bool = true, resultExpiry: Duration?
    ) {
        self.now = now
        self.replyTo = replyTo
        self.parent = parent
        self.defaultQueue = defaultQueue
        self.routes = routes
        self.countsChords = countsChords
        self.keepsResults = keepsResults
        self.resultExpiry = resultExpiry
    }
}
