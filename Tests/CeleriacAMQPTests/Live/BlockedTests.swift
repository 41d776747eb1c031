#if AMQP

import CeleriacTestKit
import CeleriacWire
import Testing

@testable import CeleriacAMQP

extension Live {
    @Suite(.timeLimit(.minutes(5)))
    struct BlockedTests {
        @Test("A memory alarm blocks publishes with a typed error; they succeed once it is over")
        func memoryAlarm() async throws {
            let server = try await LiveBroker.shared.server()
            let connection = try await LiveBroker.connect { $0.replyTimeout = .seconds(1) }
            let patient = try await LiveBroker.connect()
            let channel = try await connection.openChannel()
            let patientChannel = try await patient.openChannel()
            let queue = try await channel.queueDeclare(LiveBroker.queueName()).name
            let publish = AMQPPublish(routingKey: queue, message: WireMessage(body: [1]))
            try await server.rabbitmqctl("set_vm_memory_high_watermark", "0.00001")

            // The broker reports the alarm at the first publish, which it still accepts.
            var blocked: AMQPError?
            while blocked == nil {
                do throws(AMQPError) {
                    _ = try await channel.publish([publish])
                } catch {
                    blocked = error
                }
            }
            #expect(blocked?.code == .blocked)
            #expect(blocked?.message.contains("memory") == true)
            #expect(await connection.blockedReason == "low on memory")
            let held = await #expect(throws: AMQPError.self) { _ = try await channel.publish([publish]) }
            #expect(held?.code == .blocked)
            #expect(held?.nothingSent == true)

            async let outcomes = patientChannel.publish(Array(repeating: publish, count: 100))
            while await patient.blockedReason == nil { await Task.yield() }
            try await server.rabbitmqctl("set_vm_memory_high_watermark", "0.6")
            #expect(try await outcomes == Array(repeating: .confirmed, count: 100))
            while await connection.blockedReason != nil { await Task.yield() }
            #expect(try await channel.publish([publish]) == [.confirmed])
            try await channel.queueDelete(queue)
            await connection.close()
            await patient.close()
        }
    }
}

#endif
