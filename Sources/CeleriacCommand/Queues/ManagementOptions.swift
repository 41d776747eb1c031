import ArgumentParser
import CeleriacCore
import CeleryDialect
import Foundation

/// How RabbitMQ's management API is reached, which tells what AMQP does not.
struct ManagementOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "RabbitMQ: ask its management API, http://[user:password@]host[:port], or auto for the usual port.",
            valueName: "url"))
    var management: String?

    /// The URL; nil for the usual port at the broker's host.
    private var url: String? { management == "auto" ? nil : management }

    /// Whether a broker is RabbitMQ.
    func isRabbitMQ(_ broker: any CensusBroker) -> Bool {
        #if AMQP
        return broker is CeleryAMQPBroker
        #else
        return false
        #endif
    }

    /// Counts the messages of queues, with the API's help if it is named.
    func census(at broker: any CensusBroker, of queues: [String]) async throws -> BrokerCensus {
        #if AMQP
        if management != nil, let rabbitMQ = broker as? CeleryAMQPBroker {
            return try await rabbitMQ.census(of: queues, now: Date(), management: url)
        }
        #endif
        return try await broker.census(of: queues, now: Date())
    }

    /// Lists the bindings that a broker has.
    func bindings(at broker: any CensusBroker) async throws -> [BrokerBinding] {
        #if AMQP
        if let rabbitMQ = broker as? CeleryAMQPBroker { return try await rabbitMQ.bindings(management: url) }
        #endif
        return try await broker.bindings()
    }
}
