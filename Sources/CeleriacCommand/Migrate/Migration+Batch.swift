import CeleriacCore
import CeleriacWire
import Foundation

/// How a migration moves a batch of messages.
extension Migration {
    /// A message that can be moved.
    struct Load {
        let queue: String
        let key: String
        let message: OutgoingMessage
    }

    mutating func move(
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
                let mayBeOwn = !(consumer is any LosingConsumer) || loss.isOpen
                if journal.recognizes(made.key, hasComeBack: hasComeBack(delivery), mayBeOwn: mayBeOwn) {
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
    mutating func publish(_ loads: [Load]) async throws -> [Int: String] {
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

    static let otherQueue = "it waits for its time, and goes to another queue"
    private static let unreadable = MessageFault(reason: "unreadable", detail: "it cannot be read")

    func load(of message: WireMessage, to queue: String, at time: Date? = nil) -> Load {
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
}

extension WireMessage {
    /// Headers that brokers write, or act on.
    private static let brokersHeaders: Set<String> = [
        "CC", "BCC", "x-death", "x-delivery-count", "x-acquired-count", "redelivered",
    ]

    private static func isBrokers(_ header: String) -> Bool {
        brokersHeaders.contains(header) || header.hasPrefix("x-first-death-") || header.hasPrefix("x-last-death-")
    }

    /// Removes what the broker has written into the message, or would act on again: the records of its deaths, counts of
    /// deliveries, addressees of copies, and the user.
    fileprivate mutating func forgetBroker() {
        if headers.contains(where: { Self.isBrokers($0.key) }) {
            headers = headers.filter { !Self.isBrokers($0.key) }
        }
        properties.userID = nil
    }
}
