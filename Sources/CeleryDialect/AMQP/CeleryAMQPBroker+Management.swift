#if AMQP
import CeleriacAMQP
package import CeleriacCore
import CeleriacWire

package import struct FoundationEssentials.Date

extension CeleryAMQPBroker {
    /// How long the management API may take for an answer.
    private static let patience = Duration.seconds(5)

    /// Counts messages as ``census(of:now:)``, and asks the management API what consumers hold and how old the first
    /// message is. Its numbers are a few seconds old.
    ///
    /// - Parameters:
    ///   - queues: the queues' names.
    ///   - now: the time.
    ///   - url: the API's URL; nil for the usual port at the broker's host.
    /// - Returns: the counts.
    /// - Throws: ``CeleriacError`` with code `unavailable` or `configuration`.
    package func census(
        of queues: [String], now: Date, management url: String?
    ) async throws -> BrokerCensus {
        var census = try await census(of: queues, now: now)
        let rows = try await ask(url, "queues").arrayValue ?? []
        let known = Dictionary(rows.map { ($0["name"]?.stringValue ?? "", $0) }) { first, _ in first }
        for index in census.queues.indices {
            guard let row = known[census.queues[index].name] else { continue }
            census.queues[index].held = row["messages_unacknowledged"]?.intValue
            if let time = row["head_message_timestamp"]?.doubleValue {
                census.queues[index].oldestAge = max(0, now.timeIntervalSince1970 - time)
            }
        }
        return census
    }

    /// Lists the bindings of the virtual host, other than those of all queues to the default exchange.
    ///
    /// - Parameter url: the API's URL; nil for the usual port at the broker's host.
    /// - Returns: the bindings of queues.
    /// - Throws: ``CeleriacError`` with code `unavailable` or `configuration`.
    package func bindings(management url: String?) async throws(CeleriacError) -> [BrokerBinding] {
        let rows = try await ask(url, "bindings").arrayValue ?? []
        let bindings = rows.compactMap { row -> BrokerBinding? in
            guard row["destination_type"]?.stringValue == "queue", let queue = row["destination"]?.stringValue,
                let exchange = row["source"]?.stringValue, !exchange.isEmpty
            else { return nil }
            return BrokerBinding(
                queue: queue, exchange: exchange, routingKey: row["routing_key"]?.stringValue ?? "")
        }
        return bindings.sorted { ($0.exchange, $0.queue, $0.routingKey) < ($1.exchange, $1.queue, $1.routingKey) }
    }

    /// Asks for all of a kind of the virtual host.
    private func ask(_ url: String?, _ kind: String) async throws(CeleriacError) -> WireValue {
        guard let broker = configurations.first else {
            throw CeleriacError(.configuration, "there is no broker whose management API could be asked")
        }
        do throws(AMQPError) {
            let address =
                if let url { try ManagementAddress(url: url, of: broker) } else { ManagementAddress(of: broker) }
            let client = ManagementClient(address, timeout: Self.patience, eventLoopGroup: eventLoopGroup)
            return try await client.get(kind, broker.virtualHost)
        } catch {
            throw CeleriacError(
                error.code == .invalidURL ? .configuration : .unavailable,
                "\(error.message) Is the plugin rabbitmq_management enabled? --management names another address.")
        }
    }
}
#endif
