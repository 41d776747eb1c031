#if AMQP
import CeleriacAMQP
import CeleriacCore
import NIOConcurrencyHelpers

/// How the consumer says whether it can take messages.
extension AMQPMessageConsumer: HealthChecked {
    package func checkHealth() async throws {
        let (channel, missing, alarm) = state.withLockedValue { state -> (AMQPChannel?, [String], Watchdog.Alarm?) in
            let consumed = Set(state.activeTags.values)
            return (state.channel, state.served.filter { !consumed.contains($0) }, state.watchdog.standing)
        }
        guard let channel else { throw CeleriacError(.unavailable, "there is no connection to \(name)") }
        guard missing.isEmpty else {
            throw CeleriacError(.unavailable, "\(missing.joined(separator: ", ")) at \(name) is not consumed")
        }
        if let alarm {
            throw CeleriacError(
                .unavailable,
                "\(alarm.depth) messages wait in \(alarm.queue) at \(name), but none has come for \(Int(alarm.seconds)) s"
            )
        }
        do {
            // Everybody may open a channel.
            try await channel.connection.withChannel { _ throws(AMQPError) in }
        } catch {
            throw CeleriacError(.unavailable, "\(name) does not answer", cause: error)
        }
    }
}
#endif
