#if AMQP
package import CeleriacCore
import CeleriacQueues

package import struct FoundationEssentials.Date

extension CeleryAMQPBroker: CensusBroker {
    /// Looks at queues, and at the levels in which this and Celery's clients have messages wait.
    package func census(of queues: [String], now: Date) async throws -> BrokerCensus {
        try await client.census(of: queues, levels: NativeDelay.queues, at: name)
    }

    /// Asks the management API at the usual port: AMQP has no method that lists bindings.
    package func bindings() async throws -> [BrokerBinding] { try await bindings(management: nil) }
}
#endif
