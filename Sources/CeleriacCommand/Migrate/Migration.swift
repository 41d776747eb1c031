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
    /// Open once the connection to a source was lost that tells of it: what was taken may come again.
    let loss = Gate()
    var tally = MigrationTally()
    /// Told what was done, after each batch.
    var onProgress: (MigrationTally) -> Void = { _ in }

    private let start = ContinuousClock.now
    /// How many messages were moved, or found to be moved, in the round.
    var roundCount = 0
    /// What stays in the round, by its receipt.
    var held = 0

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
    var room: Int? { options.limit.map { max(0, $0 - tally.movedCount) } }

    /// How many messages to take at once: no more than one second has room for.
    var portion: Int {
        let pace = options.rate.map { Int(min(max($0, 1), 1000)) } ?? options.batch
        return max(1, min(options.batch, room ?? options.batch, pace))
    }

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
    var window: Int { source.dialect.name == "machinery" ? 2 * options.batch : 0 }

    // MARK: Rounds

    /// Takes from queues until nothing comes any more.
    private mutating func moveRound(
        of queues: [String], until quiet: Duration, by delaying: (any DelayingBroker)? = nil
    ) async throws {
        var consumerOptions = ConsumerOptions(
            queues: queues.map { TaskQueue($0) }, prefetch: 2 * options.batch, nodeName: "migrate@celeriac")
        consumerOptions.claimPrefix = "\(journal.id).\(randomUUID())"
        let consumer = try await source.broker.unwrapped.consume(consumerOptions)
        let (stopping, loss) = (stopping, loss)
        (consumer as? any LosingConsumer)?.onLoss { loss.open() }
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
        let limit = portion
        let result: Result<[Delivery], any Error>
        do {
            result = .success(try await consumer.next(atMost: limit))
        } catch {
            result = .failure(error)
        }
        watch.cancel()
        // It must not end the consumer later.
        await watch.value
        return try result.get()
    }

    /// Waits where it is faster than it may be.
    func keepPace() async {
        guard let rate = options.rate, rate > 0 else { return }
        let due = start + Duration(clampedSeconds: Double(tally.movedCount) / rate)
        let pause = due - ContinuousClock.now
        if pause > .zero { await stopping.wait(atMost: pause, timers: source.timers) }
    }
}
