import CeleriacCore
import CeleriacWire
import Foundation

/// Moves what waits in queues from one broker to another of the same dialect, while producers may go on.
///
/// It takes messages as a worker does, publishes them to the target, notes in its journal what the target has confirmed,
/// and acknowledges them at the source then. What it cannot move it holds until the end of a round, and gives back.
struct Migration {
    /// What to move, and how fast.
    struct Options {
        /// The queues.
        var queues: [String]
        /// How many messages are on their way at most.
        var batch = 100
        /// How many messages to move at most.
        var limit: Int?
        /// How many messages to move each second at most.
        var rate: Double?
        /// For how long nothing has to come for a queue to count as empty.
        var quiet = Duration.seconds(1)
        /// Whether to go on when everything is moved, until somebody ends it.
        var follows = false

        init(queues: [String]) { self.queues = queues }
    }

    /// After how many messages a round ends: then the source has heard of all of them, and the journal is cut.
    static let longestRound = 20_000
    /// How many messages of a round may stay before the round ends.
    static let mostLeft = 10_000
    /// How long the source may take to look at its queues.
    static let patience = Duration.seconds(30)
    /// Delayed tasks that come due sooner than this are left to the source's workers, or taken from their queue then.
    static let nearTime = 10.0

    let source: TaskClient
    let target: TaskClient
    let options: Options
    let journal: MigrationJournal
    /// Opened by somebody who wants it to end.
    let stopping: Gate
    var tally = MigrationTally()
    /// Told what was done, after each batch.
    var onProgress: (MigrationTally) -> Void = { _ in }

    private let start = ContinuousClock.now
    /// How many messages were moved, or found to be moved, in the round.
    private var roundCount = 0
    /// What stays in the round, by its receipt.
    private var held = 0

    init(from source: TaskClient, to target: TaskClient, _ options: Options, journal: MigrationJournal, stopping: Gate)
    {
        self.source = source
        self.target = target
        self.options = options
        self.journal = journal
        self.stopping = stopping
    }

    /// Whether it shall end although there may be more.
    var isOver: Bool { stopping.isOpen || room == 0 }

    /// How many messages may still be moved; nil for any number.
    private var room: Int? { options.limit.map { max(0, $0 - tally.movedCount) } }

    /// Moves everything, pass by pass, until one finds nothing to move.
    ///
    /// - Throws: `CeleriacError`, above all with code `unavailable`: then the same migration goes on later.
    mutating func run() async throws {
        if let broker = source.broker.unwrapped as? any ClaimReturningBroker {
            // What a run held that was killed.
            _ = try await broker.giveBackClaims(beginning: journal.id + ".", in: options.queues)
        }
        while !isOver {
            let before = tally.movedCount + tally.recognized
            tally.beginPass()
            try await moveKept()
            if let broker = source.broker.unwrapped as? any DelayingBroker, !isOver {
                let queues = try await broker.delayQueues()
                if !queues.isEmpty { try await moveRound(of: queues, until: options.quiet, by: broker) }
            }
            if !isOver {
                try await moveRound(
                    of: options.queues, until: options.follows ? max(options.quiet, .seconds(30)) : options.quiet)
            }
            if tally.movedCount + tally.recognized == before, !options.follows { return }
        }
    }

    /// How many messages to hold beyond what a consumer holds by itself: Machinery's settings say that, at RabbitMQ.
    private var window: Int { source.dialect.name == "machinery" ? 2 * options.batch : 0 }

    // MARK: Rounds

    /// Takes from queues until nothing comes any more.
    private mutating func moveRound(
        of queues: [String], until quiet: Duration, by delaying: (any DelayingBroker)? = nil
    ) async throws {
        var consumerOptions = ConsumerOptions(
            queues: queues.map { TaskQueue($0) }, prefetch: 2 * options.batch, nodeName: "migrate@celeriac")
        consumerOptions.claimPrefix = "\(journal.id).\(randomUUID())"
        let consumer = try await source.broker.unwrapped.consume(consumerOptions)
        let stopping = stopping
        let watch = Task {
            try? await stopping.waitUnlessCancelled()
            if stopping.isOpen { await consumer.stop() }
        }
        (roundCount, held) = (0, 0)
        var failure: (any Error)?
        do {
            if window > 0 { try await consumer.hold(window) }
            while !isOver, roundCount < Self.longestRound, held < Self.mostLeft {
                let deliveries = try await take(from: consumer, until: quiet)
                if deliveries.isEmpty { break }
                try await move(deliveries, from: consumer, by: delaying)
                await keepPace()
            }
        } catch {
            failure = error
        }
        watch.cancel()
        // What is held goes back in its order.
        do {
            try await consumer.close()
            if failure == nil { try journal.endRound() }
        } catch {
            failure = failure ?? error
        }
        if let failure { throw failure }
    }

    /// Takes a batch; none if nothing comes for a while.
    private func take(from consumer: any MessageConsumer, until quiet: Duration) async throws -> [Delivery] {
        let timers = source.timers
        let watch = Task {
            do { try await timers.sleep(for: quiet) } catch { return }
            // A source that is out of reach does not look at its queues; whoever counts what is left tells that.
            let limit = timers.schedule(after: Self.patience) { Task { await consumer.stop() } }
            await consumer.catchUp()
            limit.cancel()
            if !Task.isCancelled { await consumer.stop() }
        }
        let limit = min(options.batch, room ?? options.batch)
        let result: Result<[Delivery], any Error>
        do {
            result = .success(try await consumer.next(atMost: max(1, limit)))
        } catch {
            result = .failure(error)
        }
        watch.cancel()
        // It must not end the consumer later.
        await watch.value
        return try result.get()
    }

    /// Waits where it is faster than it may be.
    private func keepPace() async {
        guard let rate = options.rate, rate > 0 else { return }
        let due = start + .seconds(Double(tally.movedCount) / rate)
        let pause = due - ContinuousClock.now
        if pause > .zero { await stopping.wait(atMost: pause, timers: source.timers) }
    }

    // MARK: A batch

    /// A message that can be moved.
    private struct Load {
        let queue: String
        let key: String
        let message: OutgoingMessage
    }

    private mutating func move(
        _ deliveries: [Delivery], from consumer: any MessageConsumer, by delaying: (any DelayingBroker)?
    ) async throws {
        var loads: [Load] = []
        var receipts: [Receipt] = []
        var settlements: [Settlement] = []
        let heldBefore = held
        for delivery in deliveries {
            switch load(of: delivery, by: delaying) {
            case .failure(let reason): leave(reason.detail)
            case .success(let made):
                if journal.recognizes(made.key, hasComeBack: hasComeBack(delivery)) {
                    tally.recognized += 1
                    roundCount += 1
                    settlements.append(Settlement(delivery.receipt, .acknowledge))
                } else {
                    loads.append(made)
                    receipts.append(delivery.receipt)
                }
            }
        }
        let refusals = try await publish(loads)
        for index in loads.indices {
            if let refusal = refusals[index] {
                leave(refusal)
            } else {
                settlements.append(Settlement(receipts[index], .acknowledge))
            }
        }
        if !settlements.isEmpty { try await consumer.settle(settlements) }
        // What stays must not keep away what comes behind it.
        if held > heldBefore { try await consumer.hold(window + held) }
        onProgress(tally)
    }

    private mutating func leave(_ reason: String) {
        tally.leave(reason)
        held += 1
    }

    /// Whether the source says that a message was delivered before; nil for Machinery's queues in Redis, which do not
    /// count what is given back.
    private func hasComeBack(_ delivery: Delivery) -> Bool? {
        delivery.redelivered ? true : source.dialect.name == "celery" ? false : nil
    }

    /// Publishes messages to the target, and notes what it has confirmed.
    ///
    /// - Returns: why messages stay, by their index.
    /// - Throws: `CeleriacError` if the target cannot be reached.
    private mutating func publish(_ loads: [Load]) async throws -> [Int: String] {
        guard !loads.isEmpty else { return [:] }
        var refusals: [Int: String] = [:]
        do {
            try await target.broker.unwrapped.publish(loads.map(\.message))
        } catch let error as PartialPublishError {
            for (index, refusal) in error.refused { refusals[index] = Self.reason(refusal) }
            for (index, _) in error.unknown { refusals[index] = "the target has not confirmed it, but may have it" }
        } catch let error as CeleriacError where [.publishFailed, .unsupported].contains(error.code) {
            // All were refused.
            for index in loads.indices { refusals[index] = Self.reason(error) }
        }
        let now = source.timers.now
        var keys: [String] = []
        for (index, load) in loads.enumerated() where refusals[index] == nil {
            keys.append(load.key)
            tally.move(of: load.queue)
            if let time = load.message.notBefore, time > now { tally.scheduled += 1 }
        }
        roundCount += keys.count
        try journal.note(keys)
        return refusals
    }

    /// Why a message was refused. A broker's own words are the same for all messages of a kind.
    private static func reason(_ error: CeleriacError) -> String { error.cause.map { "\($0)" } ?? error.message }

    /// What is published for a delivery, or why it stays.
    private func load(of delivery: Delivery, by delaying: (any DelayingBroker)?) -> Result<Load, MessageFault> {
        guard case .success(var message) = delivery.content else {
            guard case .failure(let fault) = delivery.content else { return .failure(Self.unreadable) }
            return .failure(MessageFault(reason: fault.reason, detail: "its envelope cannot be read (\(fault.reason))"))
        }
        var queue = delivery.queue
        if let delaying {
            let (queues, restored) = delaying.destination(ofDelayed: delivery, among: options.queues)
            guard let restored, let first = queues.first else {
                return .failure(MessageFault(reason: "unknownQueue", detail: "no queue is known to which it goes"))
            }
            guard queues.count == 1 else {
                return .failure(
                    MessageFault(reason: "severalQueues", detail: "it goes to several queues when its time comes"))
            }
            guard options.queues.contains(first) else {
                return .failure(MessageFault(reason: "otherQueue", detail: Self.otherQueue))
            }
            (queue, message) = (first, restored)
        }
        return .success(self.load(of: message, to: queue))
    }

    private static let otherQueue = "it waits for its time, and goes to another queue"
    private static let unreadable = MessageFault(reason: "unreadable", detail: "it cannot be read")

    private func load(of message: WireMessage, to queue: String, at time: Date? = nil) -> Load {
        let key = MigrationJournal.key(of: message, in: queue)
        let delivery = Delivery(
            content: .success(message), queue: queue, receipt: Receipt(generation: 0, tag: 0))
        // What no worker could run is moved all the same.
        let dialect = target.dialect
        let request =
            (try? dialect.request(of: message, delivery: delivery))
            ?? dialect.remains(of: message, delivery: delivery)?.request
        let routingKey = (target.broker.unwrapped as? any KeyedBroker)?.routingKey(ofQueue: queue) ?? queue
        var whole = request.map { dialect.adapted(message, of: $0, to: routingKey) } ?? message
        whole.forgetBroker()
        let eta = time ?? request?.eta
        return Load(
            queue: queue, key: key,
            message: OutgoingMessage(
                message: whole, routingKey: routingKey, declaredQueue: queue,
                notBefore: eta.flatMap { $0 > source.timers.now ? $0 : nil }))
    }

    // MARK: Delayed tasks beside the queues

    /// Moves what the source keeps beside its queues until its time. It is published first and removed then.
    private mutating func moveKept() async throws {
        guard let broker = source.broker.unwrapped as? any DelayedMessageKeeper else { return }
        let from = source.timers.now.addingTimeInterval(Self.nearTime)
        roundCount = 0
        // What stays is in front of what comes next.
        var skipped = 0
        while !isOver {
            let limit = min(options.batch, room ?? options.batch)
            let found = try await broker.delayedMessages(from: from, skipping: skipped, limit: max(1, limit))
            if found.isEmpty { break }
            var loads: [Load] = []
            var sent: [DelayedMessage] = []
            var done: [DelayedMessage] = []
            for delayed in found {
                guard let queue = delayed.queue, options.queues.contains(queue) else {
                    tally.leave(
                        delayed.queue == nil
                            ? "it waits for its time, and is no task"
                            : Self.otherQueue)
                    skipped += 1
                    continue
                }
                let made = self.load(of: delayed.message, to: queue, at: delayed.time)
                if journal.recognizes(made.key, hasComeBack: nil) {
                    tally.recognized += 1
                    done.append(delayed)
                } else {
                    loads.append(made)
                    sent.append(delayed)
                }
            }
            let refusals = try await publish(loads)
            for (index, delayed) in sent.enumerated() {
                if let refusal = refusals[index] {
                    tally.leave(refusal)
                    skipped += 1
                } else {
                    done.append(delayed)
                }
            }
            tally.raced += try await broker.removeDelayed(done).filter { !$0 }.count
            onProgress(tally)
            await keepPace()
        }
        try journal.endRound()
    }
}

extension WireMessage {
    /// Removes what the broker has written into the message, or would act on again: the records of its deaths, counts of
    /// deliveries, addressees of copies, and the user.
    fileprivate mutating func forgetBroker() {
        let names: Set<String> = ["CC", "BCC", "x-death", "x-delivery-count", "x-acquired-count", "redelivered"]
        let isBrokers = headers.contains { name, _ in
            names.contains(name) || name.hasPrefix("x-first-death-") || name.hasPrefix("x-last-death-")
        }
        if isBrokers {
            headers = headers.filter { name, _ in
                !names.contains(name) && !name.hasPrefix("x-first-death-") && !name.hasPrefix("x-last-death-")
            }
        }
        properties.userID = nil
    }
}
