#if AMQP

import CeleriacWire
import Testing

@testable import CeleriacAMQP

extension Live {
    @Suite(.timeLimit(.minutes(5)))
    struct PublishTests {
        private func message(_ number: Int) -> WireMessage {
            WireMessage(
                properties: MessageProperties(correlationID: "\(number)"),
                body: [UInt8](repeating: 1, count: number % 9))
        }

        @Test("A batch is confirmed in the order of its messages")
        func confirmed() async throws {
            let connection = try await LiveBroker.connect()
            let channel = try await connection.openChannel()
            let queue = try await channel.queueDeclare(exclusive: true).name
            let outcomes = try await channel.publish(
                (0..<1000).map { AMQPPublish(routingKey: queue, message: message($0)) })
            #expect(outcomes == Array(repeating: .confirmed, count: 1000))
            for number in 0..<1000 {
                let delivery = try #require(try await channel.get(queue: queue, noAck: true))
                #expect(delivery.message.properties.correlationID == "\(number)")
            }
            #expect(try await channel.publish([]) == [])
            await connection.close()
        }

        @Test("Concurrent batches each get their own outcomes")
        func concurrent() async throws {
            let connection = try await LiveBroker.connect()
            let channel = try await connection.openChannel()
            let queue = try await channel.queueDeclare(
                exclusive: true, arguments: ["x-max-length": .int(0), "x-overflow": .string("reject-publish")]
            ).name
            let free = try await channel.queueDeclare(exclusive: true).name
            try await withThrowingTaskGroup(of: (Int, [AMQPPublishOutcome]).self) { group in
                for number in 0..<200 {
                    group.addTask {
                        let target = number % 3 == 0 ? queue : number % 3 == 1 ? free : free + "-nowhere"
                        return (
                            number,
                            try await channel.publish(
                                (0..<(number % 5 + 1)).map { _ in
                                    AMQPPublish(routingKey: target, mandatory: true, message: message(number))
                                })
                        )
                    }
                }
                for try await (number, outcomes) in group {
                    #expect(outcomes.count == number % 5 + 1)
                    for outcome in outcomes {
                        switch number % 3 {
                        case 0: #expect(outcome == .nacked)
                        case 1: #expect(outcome == .confirmed)
                        default:
                            #expect(outcome == .returned(code: 312, text: "NO_ROUTE"))
                            #expect(outcome.error?.code == .returned)
                        }
                    }
                }
            }
            await connection.close()
        }

        @Test("Returns are matched to their publishes in a mixed batch")
        func returned() async throws {
            let connection = try await LiveBroker.connect()
            let channel = try await connection.openChannel()
            let queue = try await channel.queueDeclare(exclusive: true).name
            let batch = (0..<300).map { number in
                AMQPPublish(
                    routingKey: number % 7 == 0 ? "nowhere" : queue, mandatory: number % 2 == 0,
                    message: message(number))
            }
            let outcomes = try await channel.publish(batch)
            for (number, outcome) in outcomes.enumerated() {
                let isReturned = number % 7 == 0 && number % 2 == 0
                #expect(outcome == (isReturned ? .returned(code: 312, text: "NO_ROUTE") : .confirmed))
            }
            await connection.close()
        }

        @Test("If AMQP cannot carry a message, nothing of its batch is sent and nothing else is harmed")
        func invalid() async throws {
            let connection = try await LiveBroker.connect()
            let channel = try await connection.openChannel()
            let queue = try await channel.queueDeclare(exclusive: true).name
            let good = AMQPPublish(routingKey: queue, message: message(1))
            for bad in [
                AMQPPublish(routingKey: queue, message: WireMessage(headers: ["k": .double(.nan)])),
                AMQPPublish(routingKey: String(repeating: "k", count: 256), message: WireMessage()),
                AMQPPublish(
                    routingKey: queue,
                    message: WireMessage(headers: ["k": .bytes([UInt8](repeating: 0, count: 140_000))])),
            ] {
                let error = await #expect(throws: AMQPError.self) { _ = try await channel.publish([good, bad, good]) }
                #expect(error?.code == .invalidMessage)
                #expect(error?.nothingSent == true)
                #expect(error?.message.contains("Message 1 of 3") == true)
            }
            #expect(try await channel.publish([good]) == [.confirmed])
            #expect(try await channel.queueDeclare(queue, passive: true).messageCount == 1)
            await connection.close()
        }

        @Test("An unknown exchange fails the publish with the broker's 404")
        func unknownExchange() async throws {
            let connection = try await LiveBroker.connect()
            let channel = try await connection.openChannel()
            let error = await #expect(throws: AMQPError.self) {
                _ = try await channel.publish([
                    AMQPPublish(exchange: "no-such-exchange", routingKey: "k", message: WireMessage())
                ])
            }
            #expect(error?.code == .channelClosedByServer)
            #expect(error?.replyCode == 404)
            #expect(error?.method == "basic.publish")
            #expect(error?.nothingSent == false)
            await connection.close()
        }

        @Test("Without confirms, a publish is only handed over; confirms can be enabled later")
        func unconfirmed() async throws {
            let connection = try await LiveBroker.connect()
            let channel = try await connection.openChannel(confirms: false)
            let queue = try await channel.queueDeclare(exclusive: true).name
            let publish = AMQPPublish(routingKey: queue, message: message(8))
            #expect(try await channel.publish([publish, publish]) == [.unconfirmed, .unconfirmed])
            try await channel.confirmSelect()
            #expect(try await channel.publish([publish]) == [.confirmed])
            #expect(try await channel.queueDeclare(queue, passive: true).messageCount == 3)
            await connection.close()
        }

        @Test("Large bodies are split into many frames")
        func largeBody() async throws {
            let connection = try await LiveBroker.connect { $0.frameMax = 4096 }
            let channel = try await connection.openChannel()
            let queue = try await channel.queueDeclare(exclusive: true).name
            let body = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            #expect(
                try await channel.publish([AMQPPublish(routingKey: queue, message: WireMessage(body: body))]) == [
                    .confirmed
                ])
            #expect(try await channel.get(queue: queue, noAck: true)?.message.body == body)
            await connection.close()
        }

        @Test("A cancelled task gets its error immediately, and the channel stays usable")
        func cancelled() async throws {
            let connection = try await LiveBroker.connect()
            let channel = try await connection.openChannel()
            let queue = try await channel.queueDeclare(exclusive: true).name
            let publish = AMQPPublish(routingKey: queue, message: message(1))
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<50 {
                    group.addTask {
                        do throws(AMQPError) {
                            let outcomes = try await channel.publish([publish])
                            #expect(outcomes == [.confirmed])
                        } catch {
                            #expect(error.code == .cancelled)
                        }
                    }
                }
                group.cancelAll()
            }
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                _ = try await channel.queueDeclare(queue, passive: true)
            }
            let error = await #expect(throws: AMQPError.self) { try await task.value }
            #expect(error?.code == .cancelled)
            #expect(try await channel.publish([publish]) == [.confirmed])
            await connection.close()
        }
    }
}

#endif
