#if AMQP

import CeleriacAMQP

/// Collects values from callbacks, for a test to take one by one.
struct Inbox<Element: Sendable>: Sendable {
    private let continuation: AsyncStream<Element>.Continuation
    let stream: AsyncStream<Element>

    init() {
        (stream, continuation) = AsyncStream.makeStream()
    }

    func put(_ element: Element) { continuation.yield(element) }

    func put(_ elements: [Element]) {
        for element in elements { continuation.yield(element) }
    }

    /// The next element for which `match` returns a value; earlier elements are dropped.
    func next<T>(_ match: (Element) -> T?) async -> T? {
        for await element in stream {
            if let found = match(element) { return found }
        }
        return nil
    }

    func next() async -> Element? { await next { $0 } }
}

extension Inbox where Element == AMQPConsumerEventOrDelivery {
    /// Adds a consumer's events, with deliveries one by one.
    func put(events: [AMQPConsumerEvent]) {
        for event in events {
            switch event {
            case .deliveries(let deliveries): put(deliveries.map { .delivery($0) })
            case .cancelled: put(.cancelled)
            case .closed(let error): put(.closed(error))
            }
        }
    }

    func nextDelivery() async -> AMQPDelivery? {
        guard case .delivery(let delivery)? = await next() else { return nil }
        return delivery
    }
}

/// A consumer's event, with deliveries one by one.
enum AMQPConsumerEventOrDelivery: Sendable {
    case delivery(AMQPDelivery)
    case cancelled
    case closed(AMQPError)
}

typealias ConsumerInbox = Inbox<AMQPConsumerEventOrDelivery>

#endif
