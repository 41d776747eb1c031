#if Redis
import CeleriacCore
import CeleriacRedis
import CeleriacWire
import CeleryWire
import Logging
import NIOConcurrencyHelpers
import NIOCore

/// Remote control and events over Redis: requests and events use pub/sub, replies go into the lists of the senders.
final class CeleryRedisMailbox: SharedMailbox {
    /// The time between renewals of the binding, which kombu keeps for an hour or longer.
    private static let renewal = Duration.seconds(1200)

    private let broker: CeleryRedisBroker
    private let keys: KombuKeys
    private let exchanges: ControlExchanges
    private let client: RedisClient
    private let timers: EventLoopTimerSource
    private let logger: Logger
    /// Opens when the worker stops: it waits no longer then for a server that is away.
    private let stopping = NIOLockedValueBox<Gate?>(nil)

    init(broker: CeleryRedisBroker, exchanges: ControlExchanges) {
        self.broker = broker
        self.keys = broker.keys
        self.exchanges = exchanges
        self.logger = broker.logger
        self.client = RedisClient(broker.configuration, eventLoopGroup: broker.eventLoopGroup, logger: broker.logger)
        self.timers = EventLoopTimerSource(eventLoop: client.eventLoop)
    }

    // MARK: Requests

    func run(
        until stopping: Gate, onOpen: @escaping @Sendable () -> Void,
        receive: @escaping @Sendable (Result<WireMessage, MessageFault>) -> Void
    ) async {
        let subscription = RedisPubSub(
            broker.configuration, eventLoopGroup: broker.eventLoopGroup, logger: logger
        ) { messages in
            for message in messages {
                receive(
                    Result { () throws(CeleryWireError) in try KombuEnvelope.decode(message.payload).message }
                        .mapError { MessageFault($0) })
            }
        }
        let channel = keys.channel(exchanges.requests, database: broker.configuration.database)
        self.stopping.withLockedValue { $0 = stopping }
        var isSubscribed = false
        var backoff = Backoff()
        repeat {
            do {
                // Once made, the subscription renews itself.
                if !isSubscribed { try await subscription.subscribe([channel]) }
                isSubscribed = true
                try await bind()
                onOpen()
                backoff.reset()
                await stopping.wait(atMost: Self.renewal, timers: timers)
            } catch {
                if stopping.isOpen { break }
                logger.warning("remote control is out of reach, trying again", metadata: ["error": "\(error)"])
                await stopping.wait(atMost: backoff.next(), timers: timers)
            }
        } while !stopping.isOpen
        await subscription.close()
        await unbind()
    }

    /// Adds the node's queue to the exchange's bindings, as kombu does. Nothing is ever put into that queue: requests
    /// arrive by pub/sub.
    private func bind() async throws(RedisError) {
        for reply in try await client.send(keys.bindInbox(of: exchanges, to: exchanges.requests)) {
            if let refusal = reply.error { throw RedisError(refusal) }
        }
    }

    private func unbind() async {
        do {
            _ = try await client.send(
                keys.deleteInbox(of: exchanges, boundTo: exchanges.requests), timeout: .seconds(2),
                waitsForServer: false)
        } catch {
            // The next process that finds the expired binding removes it.
            logger.debug("could not remove the binding of remote control", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Publishing

    func publish(_ messages: [OutgoingMessage]) async throws {
        var commands: [RedisCommand] = []
        commands.reserveCapacity(messages.count)
        for message in messages {
            let envelope = try KombuEnvelope(
                message: message.message, exchange: message.exchange, routingKey: message.routingKey,
                deliveryTag: randomUUID()
            ).encode()
            if message.exchange == exchanges.replies {
                for queue in try await keys.queues(
                    boundTo: message.exchange, routingKey: message.routingKey, client: client)
                {
                    commands.append(RedisCommand("LPUSH", keys.list(queue, step: 0), envelope))
                }
            } else {
                let channel = keys.channel(
                    message.exchange, routingKey: message.routingKey, database: broker.configuration.database)
                commands.append(RedisCommand("PUBLISH", channel, envelope))
            }
        }
        guard !commands.isEmpty else { return }
        // A server that does not answer must not hold up a stopping worker.
        let isStopping = stopping.withLockedValue { $0?.isOpen == true }
        let replies = try await client.send(commands, timeout: .seconds(5), waitsForServer: !isStopping)
        if let refusal = replies.lazy.compactMap(\.error).first { throw refusal }
    }

    func close() async {
        await client.close()
    }
}

extension KombuKeys {
    /// Binds the inbox of a worker or a client as kombu does: for at least an hour if it may expire.
    func bindInbox(
        of exchanges: ControlExchanges, to exchange: String, routingKey: String = ""
    ) -> [RedisCommand] {
        let member = bindingMember(routingKey: routingKey, queue: exchanges.inbox)
        guard let expiry = exchanges.inboxExpiry else {
            return [
                RedisCommand("SADD", binding(exchange), member),
                RedisCommand("SADD", permanentBinding(exchange), member),
            ]
        }
        return [
            .evaluate(
                KombuScripts.bindExpiring, keys: [binding(exchange), bindingDeadlines],
                arguments: [member, exchange, max(2 * expiry.brokerMilliseconds, 3_600_000)])
        ]
    }

    /// Deletes the inbox and its binding.
    func deleteInbox(
        of exchanges: ControlExchanges, boundTo exchange: String, routingKey: String = ""
    ) -> [RedisCommand] {
        let member = bindingMember(routingKey: routingKey, queue: exchanges.inbox)
        return [
            RedisCommand("SREM", binding(exchange), member), RedisCommand("SREM", permanentBinding(exchange), member),
        ] + prioritySteps.map { RedisCommand("DEL", list(exchanges.inbox, step: $0)) }
    }
}
#endif
