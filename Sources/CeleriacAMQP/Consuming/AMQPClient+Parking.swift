#if AMQP
import CeleriacWire

extension AMQPClient {
    /// Keeps messages aside, each in the `.parked` companion of its queue, and returns when the broker has confirmed all.
    func park(_ messages: [(queue: String, message: WireMessage)]) async throws(AMQPError) {
        let connection = try await connection()
        for queue in Set(messages.map(\.queue)).sorted() {
            let channel = try await connection.openChannel(confirms: false)
            do throws(AMQPError) {
                try await channel.queueDeclare("\(queue).parked", durable: true)
            } catch {
                await channel.close()
                throw error
            }
            await channel.close()
        }
        let outcomes = try await publish(
            messages.map { AMQPPublish(routingKey: "\($0.queue).parked", mandatory: true, message: $0.message) })
        for outcome in outcomes { if let error = outcome.error { throw error } }
    }
}
#endif
