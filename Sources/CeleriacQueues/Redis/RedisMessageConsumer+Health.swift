#if Redis
package import CeleriacCore
package import CeleriacRedis
import NIOConcurrencyHelpers

/// How the consumer says whether it can take messages.
extension RedisMessageConsumer: HealthChecked {
    package func checkHealth() async throws {
        if let error = state.withLockedValue({ $0.takingError }) {
            throw CeleriacError(.unavailable, "no messages can be taken from \(name)", cause: error)
        }
        try await client.checkHealth()
    }
}

extension RedisClient {
    /// Asks the server whether it answers.
    ///
    /// - Throws: ``CeleriacError`` with code `unavailable`.
    package func checkHealth() async throws(CeleriacError) {
        do throws(RedisError) {
            try await send(RedisCommand("PING"))
        } catch {
            throw CeleriacError(.unavailable, "\(configuration) does not answer", cause: error)
        }
    }
}
#endif
