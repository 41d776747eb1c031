#if AMQP
import CeleriacAMQP
package import CeleriacCore
import CeleriacWire

package import struct FoundationEssentials.Date

extension CeleryAMQPBroker: ExaminedBroker {
    /// Reads the properties of the connection, and tries things with queues of this connection's own, which go with it.
    package func examine(queue: String, now: @Sendable () -> Date) async throws -> BrokerFacts {
        do throws(AMQPError) {
            let connection = try await client.connection()
            let server = await connection.server
            var facts = BrokerFacts(software: server.product.isEmpty ? "AMQP broker" : server.product)
            facts.version = server.version
            for (name, value) in server.properties {
                if let text = value.stringValue { facts.properties[name] = text }
            }
            facts.blocked = await connection.blockedReason
            let begin = now()
            let probe = try await connection.openChannel(confirms: false)
            facts.roundTrip = max(0, now().timeIntervalSince(begin))
            await probe.close()
            facts.refusals = try await refusals(queue, on: connection)
            return facts
        } catch {
            throw CeleriacError(
                error.isOutOfReach ? .unavailable : .configuration, "cannot examine \(name)", cause: error)
        }
    }

    /// What workers and clients do, each on a channel of its own, which a refusal closes.
    private func refusals(
        _ queue: String, on connection: AMQPConnection
    ) async throws(AMQPError) -> [BrokerFacts.Refusal] {
        var refusals: [BrokerFacts.Refusal] = []
        for suffix in ["", ".parked", ".redelivered"] {
            let name = "\(queue)\(suffix).doctor.\(randomUUID())"
            try await attempt("declare, fill and read queues such as \(queue)\(suffix)", on: connection, &refusals) {
                channel throws(AMQPError) in
                try await channel.queueDeclare(name, durable: false, exclusive: true, autoDelete: true)
                let message = AMQPPublish(routingKey: name, mandatory: true, message: WireMessage(body: []))
                _ = try await channel.publish([message])
                _ = try await channel.get(queue: name, noAck: true)
                _ = try await channel.queueDelete(name)
            }
        }
        return refusals
    }

    private func attempt(
        _ what: String, on connection: AMQPConnection, _ refusals: inout [BrokerFacts.Refusal],
        _ body: (AMQPChannel) async throws(AMQPError) -> Void
    ) async throws(AMQPError) {
        do throws(AMQPError) {
            try await connection.withChannel(body)
        } catch {
            guard error.code == .channelClosedByServer else { throw error }
            refusals.append(
                BrokerFacts.Refusal(what: what, why: "\(error.replyCode ?? 0) \(error.replyText ?? error.message)"))
        }
    }
}
#endif
