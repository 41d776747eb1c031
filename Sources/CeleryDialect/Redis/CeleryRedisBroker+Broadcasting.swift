#if Redis
package import CeleriacCore
import CeleriacRedis
package import CeleriacWire
import CeleryWire
import Logging
import NIOConcurrencyHelpers
import NIOCore

extension CeleryRedisBroker: AudienceBroker {
    /// Broadcasts by pub/sub. Replies come into lists of the client's, from which a connection for them alone takes them.
    package func broadcast(
        _ request: OutgoingMessage, exchanges: ControlExchanges, until enough: Gate,
        sent: @escaping @Sendable () -> Void,
        receive: @escaping @Sendable (Result<WireMessage, MessageFault>) -> Void
    ) async throws {
        try await ask(request, exchanges: exchanges, until: enough, heard: { _ in sent() }, receive: receive)
    }

    /// Broadcasts, and tells how many have subscribed to requests. A node of a cluster knows its own subscribers only.
    package func ask(
        _ request: OutgoingMessage, exchanges: ControlExchanges, until enough: Gate,
        heard: @escaping @Sendable (_ audience: Int?) -> Void,
        receive: @escaping @Sendable (Result<WireMessage, MessageFault>) -> Void
    ) async throws {
        let envelope: [UInt8]
        do {
            envelope = try KombuEnvelope(
                message: request.message, exchange: request.exchange, routingKey: request.routingKey,
                deliveryTag: randomUUID()
            ).encode()
        } catch {
            throw CeleriacError(.unsupported, "the request cannot be written", cause: error)
        }
        let publish = RedisCommand(
            "PUBLISH",
            keys.channel(request.exchange, routingKey: request.routingKey, database: configuration.database), envelope)
        do throws(RedisError) {
            guard exchanges.replyKey != nil else {
                let reply = try await client.send(publish)
                return heard(audience(of: reply))
            }
            let reader = RedisReplyReader(
                RedisClient(configuration, eventLoopGroup: eventLoopGroup, logger: logger),
                lists: keys.prioritySteps.map { keys.list(exchanges.inbox, step: $0) }, limits: limits,
                enough: enough, receive: receive)
            do throws(RedisError) {
                try await broadcast(publish, exchanges, reader, until: enough, heard: heard)
            } catch {
                // Nothing is there to delete at a server that was never reached, and one that says nothing would be waited for
                // once more.
                if [.connectFailed, .timeout].contains(error.code) {
                    await reader.close()
                } else {
                    await end(reader, exchanges)
                }
                throw error
            }
            await end(reader, exchanges)
        } catch {
            throw CeleriacError(
                error.failureCode(otherwise: .publishFailed), "remote control failed at \(name)", cause: error)
        }
    }

    private func broadcast(
        _ publish: RedisCommand, _ exchanges: ControlExchanges, _ reader: RedisReplyReader, until enough: Gate,
        heard: @Sendable (Int?) -> Void
    ) async throws(RedisError) {
        let bind = keys.bindInbox(of: exchanges, to: exchanges.replies, routingKey: exchanges.replyKey ?? "")
        for reply in try await client.send(bind) { if let refusal = reply.error { throw RedisError(refusal) } }
        reader.read()
        let reply = try await client.send(publish)
        heard(audience(of: reply))
        await enough.wait()
        if let loss = reader.loss { throw loss }
    }

    /// How many have heard what was published, as the server says.
    private func audience(of reply: RedisValue) -> Int? { configuration.isOfCluster ? nil : reply.int }

    private func end(_ reader: RedisReplyReader, _ exchanges: ControlExchanges) async {
        await reader.close()
        let delete = keys.deleteInbox(of: exchanges, boundTo: exchanges.replies, routingKey: exchanges.replyKey ?? "")
        do {
            _ = try await client.send(delete, timeout: .seconds(2))
        } catch {
            // Python's workers sweep bindings that have expired.
            logger.debug("could not remove the queue of replies", metadata: ["error": "\(error)"])
        }
    }
}

/// Takes replies from lists until the client has enough.
private final class RedisReplyReader: Sendable {
    private let client: RedisClient
    private let take: RedisCommand
    private let limits: WireLimits
    private let enough: Gate
    private let receive: @Sendable (Result<WireMessage, MessageFault>) -> Void
    private let lost = NIOLockedValueBox<RedisError?>(nil)

    init(
        _ client: RedisClient, lists: [String], limits: WireLimits, enough: Gate,
        receive: @escaping @Sendable (Result<WireMessage, MessageFault>) -> Void
    ) {
        self.client = client
        // It blocks until there is an element, or until the client is closed.
        var take = RedisCommand("BRPOP", arguments: lists)
        take.append(0)
        self.take = take
        self.limits = limits
        self.enough = enough
        self.receive = receive
    }

    /// Why no more replies can come; nil as long as they can.
    var loss: RedisError? { lost.withLockedValue { $0 } }

    func read() {
        client.submit([take], timeout: nil).whenComplete { [self] result in
            if enough.isOpen { return }
            switch result {
            case .success(let replies):
                if let refusal = replies.first?.error { return end(RedisError(refusal)) }
                if let payload = replies.first?.array?.last?.bytes { receive(content(of: payload)) }
                read()
            case .failure(let error):
                end(error as? RedisError ?? RedisError(.connectionLost, "The connection broke.", cause: error))
            }
        }
    }

    private func content(of payload: [UInt8]) -> Result<WireMessage, MessageFault> {
        Result { () throws(CeleryWireError) in try KombuEnvelope.decode(payload, limits: limits).message }
            .mapError { MessageFault($0) }
    }

    private func end(_ error: RedisError) {
        lost.withLockedValue { $0 = error }
        enough.open()
    }

    func close() async { await client.close() }
}
#endif
