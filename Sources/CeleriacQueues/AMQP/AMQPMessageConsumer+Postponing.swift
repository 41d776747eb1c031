#if AMQP
import CeleriacAMQP
package import CeleriacCore
import CeleriacWire
import Logging
import NIOConcurrencyHelpers

import struct FoundationEssentials.Date

/// What a consumer knows of the levels, on one connection.
struct KnownLevels {
    /// How many levels were declared, from the lowest.
    var count = 0
    /// The queues that messages can come back to.
    var queues: Set<String> = []
    /// Whether the broker has refused them. The consumer does not ask again.
    var areRefused = false
}

/// A message on its way to a level.
private struct Departure {
    /// Its place among those that the worker wants to be moved.
    let place: Int
    let queue: String
    let top: Int
    let publish: AMQPPublish
}

/// How the consumer has RabbitMQ keep messages: it moves them to ``DelayLevels``.
///
/// RabbitMQ closes the channel of a consumer that leaves a delivery unacknowledged for `consumer_timeout`.
extension AMQPMessageConsumer: PostponingConsumer {
    package var longestHold: Duration? {
        guard let hold = topology.longestHold, hold > .zero else { return nil }
        return state.withLockedValue { $0.levels.areRefused ? nil : hold }
    }

    package func postpone(_ postponements: [Postponement]) async -> [Bool] {
        let found = state.withLockedValue { state in
            postponements.map { postponement -> (delivery: AMQPDelivery, queue: String)? in
                let receipt = postponement.receipt
                guard !state.levels.areRefused, receipt.generation == state.generation,
                    let delivery = state.held[receipt.tag], delivery.defect == nil
                else { return nil }
                return (delivery, state.queue(of: delivery))
            }
        }
        let (now, headerLimit) = (timers.now, headerLimit)
        var departures: [Departure] = []
        departures.reserveCapacity(postponements.count)
        for (place, postponement) in postponements.enumerated() {
            guard let (delivery, queue) = found[place],
                let delay = DelayLevels.delay(before: postponement.time.timeIntervalSince(now)),
                let key = DelayLevels.routingKey(delay: delay, queue: queue)
            else { continue }
            let message = MessageOrigin.departure(of: delivery, from: queue, to: .level)
            // The broker must be able to deliver the message with what it writes down at every level.
            guard WireValue.object(message.headers).tableSize <= headerLimit else { continue }
            let top = DelayLevels.top(of: delay)
            departures.append(
                Departure(
                    place: place, queue: queue, top: top,
                    publish: AMQPPublish(
                        exchange: DelayLevels.name(top), routingKey: key, mandatory: true, message: message)))
        }
        var areMoved = Array(repeating: false, count: postponements.count)
        for place in await publish(departures) { areMoved[place] = true }
        state.withLockedValue { state in
            // The messages have not ended, so that their acknowledgement must not make a result store forget how often
            // they were begun.
            for (postponement, isMoved) in zip(postponements, areMoved)
            where isMoved && postponement.receipt.generation == state.generation {
                state.counted[postponement.receipt.tag] = nil
            }
        }
        return areMoved
    }

    /// How large the headers of a message may be that is moved.
    private var headerLimit: Int { configurations.map { Int($0.frameMax) }.min().map { $0 / 4 } ?? 0 }

    /// Publishes messages to their levels, which it declares where that has not been done on this connection.
    ///
    /// - Returns: the places of those that the broker has confirmed.
    private func publish(_ departures: [Departure]) async -> [Int] {
        if departures.isEmpty { return [] }
        let failures = await parking.publish(departures.map(\.publish)) { indices, isAnew throws(AMQPError) in
            if isAnew { forgetLevels() }
            try await declareLevels(
                upTo: indices.map { departures[$0].top }.max() ?? 0, queues: Set(indices.map { departures[$0].queue }))
        }
        let errors = failures.refused.merging(failures.unknown) { $1 }
        guard let error = errors.min(by: { $0.key < $1.key })?.value else { return departures.map(\.place) }
        if error.code == .invalidMessage, departures.count > 1 {
            // One of the messages is at fault; the others are moved without it.
            var places: [Int] = []
            for departure in departures { places += await publish([departure]) }
            return places
        }
        forgetLevels()
        if let refusal = errors.values.first(where: \.isRefusalOfLevels) {
            refuseLevels(refusal)
        } else {
            logger.info(
                "the broker does not take messages that wait for their time: the worker holds them",
                metadata: ["messages": "\(errors.count)", "error": "\(error)"])
        }
        return departures.indices.filter { errors[$0] == nil }.map { departures[$0].place }
    }

    private func declareLevels(upTo top: Int, queues: Set<String>) async throws(AMQPError) {
        let known = state.withLockedValue { $0.levels }
        let (levels, new) = (known.count..<max(known.count, top + 1), queues.subtracting(known.queues).sorted())
        if levels.isEmpty, new.isEmpty { return }
        try await parking.connection().withChannel { channel throws(AMQPError) in
            try await channel.exchangeDeclare(DelayLevels.end, type: "topic")
            // From the bottom, so that a message always finds the next level.
            for level in levels {
                let name = DelayLevels.name(level)
                try await channel.exchangeDeclare(name, type: "topic")
                try await channel.queueDeclare(name, arguments: DelayLevels.arguments(level))
                try await channel.queueBind(
                    name, exchange: name, routingKey: DelayLevels.pattern(level, stays: true))
                try await channel.exchangeBind(
                    destination: level > 0 ? DelayLevels.name(level - 1) : DelayLevels.end, source: name,
                    routingKey: DelayLevels.pattern(level, stays: false))
            }
            for queue in new {
                let last = DelayLevels.last(before: queue)
                try await channel.queueDeclare(last, arguments: DelayLevels.lastArguments(before: queue))
                try await channel.queueBind(
                    last, exchange: DelayLevels.end, routingKey: DelayLevels.pattern(of: queue))
            }
        }
        state.withLockedValue { state in
            state.levels.count = max(state.levels.count, levels.upperBound)
            state.levels.queues.formUnion(new)
        }
    }

    /// Has the levels declared again for the next message, in case somebody has deleted them.
    private func forgetLevels() {
        state.withLockedValue { state in
            state.levels.count = 0
            state.levels.queues = []
        }
    }

    private func refuseLevels(_ error: AMQPError) {
        let isFirst = state.withLockedValue { state in
            defer { state.levels.areRefused = true }
            return !state.levels.areRefused
        }
        guard isFirst else { return }
        logger.warning(
            "the worker may not have the broker keep messages until their time: it holds them itself",
            metadata: ["needed": "queues and exchanges named \(DelayLevels.end) and so on", "error": "\(error)"])
    }
}

extension AMQPConsumerTopology {
    package var longestHold: Duration? { nil }
}

extension AMQPError {
    /// Whether the broker refused the levels: the right is missing (403), other ones exist or their arguments are not
    /// supported (406), or the broker does not have such things at all.
    fileprivate var isRefusalOfLevels: Bool {
        guard let replyCode else { return false }
        return isRefusal || code == .channelClosedByServer && [403, 405, 406].contains(replyCode)
    }
}
#endif
