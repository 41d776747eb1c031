import Celeriac
import CeleriacTestKit
import CeleriacWire
import NIOPosix
import TestSupport
import Testing

@testable import CeleriacCore

#if AMQP
import CeleriacAMQP
#endif

/// How many parked messages a queue keeps and for how long, where else they go, and who tells their callers, on every
/// transport.
@Suite("Parked messages", .serialized, .timeLimit(.minutes(5)))
struct ParkingBoundsTests {
    /// Waits until these are parked, and says what was there instead when the test's time is over.
    private func untilParked(_ ids: [String], at site: ParkingSite) async throws {
        var found: [String?] = []
        try await until {
            found = try await site.parked()
            return found == ids
        }
        #expect(found == ids)
    }

    @Test("past a number the oldest are dropped and told", arguments: ParkingTransport.available)
    func number(_ transport: ParkingTransport) async throws {
        let log = LogRecorder()
        let site = try await ParkingSite(transport, logger: log.logger)
        try await site.park(["1", "2", "3"], isStored: true)
        let worker = site.worker {
            $0.maximumParkedMessages = 2
            $0.concurrency = 1
            $0.prefetchMultiplier = 1
        }
        let dropped = "dropped a parked message, the oldest: more than maximumParkedMessages are parked"
        try await withRunning(worker) {
            // Whoever looks at messages of RabbitMQ hides them from others, so the log is looked at first.
            await until { log.count(dropped) >= 1 }
            try await untilParked(["2", "3"], at: site)
            for id in ["4", "5"] { try await site.publish(id) }
            await until { log.count(dropped) >= 3 }
            try await untilParked(["4", "5"], at: site)
        }
        #expect(log.count(dropped) == 3)
        #expect(log.count("as many messages are parked as may be: each further one drops the oldest") == 1)
        await site.close()
    }

    @Test("past an age they are dropped and told", arguments: ParkingTransport.available)
    func age(_ transport: ParkingTransport) async throws {
        let log = LogRecorder()
        let site = try await ParkingSite(transport, logger: log.logger)
        try await site.park(["1", "2"], isStored: true)
        try await withRunning(site.worker { $0.parkedMessageLifetime = .seconds(3600) }) {
            try await site.publish("3")
            try await untilParked(["1", "2", "3"], at: site)
        }
        try await withRunning(site.worker { $0.parkedMessageLifetime = .milliseconds(1) }) {
            let dropped = "dropped a parked message: it was parked for longer than parkedMessageLifetime"
            await until { log.count(dropped) == 3 }
        }
        #expect(try await site.parked().isEmpty)
        await site.close()
    }

    @Test(
        "a worker that begins tells those whom no worker could tell, and notes that; the order stays",
        arguments: ParkingTransport.available)
    func untold(_ transport: ParkingTransport) async throws {
        let log = LogRecorder()
        let site = try await ParkingSite(transport, logger: log.logger)
        try await site.park(["1"], isStored: true)
        try await site.park(["2"], isStored: false)
        try await site.park(["3"], isStored: nil)
        let before = try await site.sender.parkedMessages(in: transport.queue)
        #expect(before.map(\.failureIsStored) == [true, false, nil])
        try await withRunning(site.worker { _ in }) {
            let noted =
                "stored that tasks have failed whose messages were parked while the result store was out of reach"
            await until { log.count(noted) == 1 }
            try await until {
                try await site.sender.parkedMessages(in: transport.queue).map(\.failureIsStored) == [true, true, nil]
            }
        }
        let client = site.sender.client
        let states = try await client.store?.fetch(["1", "2", "3"]).map { stored in
            try stored.map { try client.dialect.result(from: $0).state }
        }
        #expect(states == [nil, .failure, nil])
        // All else is as before.
        let after = try await site.sender.parkedMessages(in: transport.queue)
        #expect(after.map(\.message) == before.map(\.message) && after.map(\.content) == before.map(\.content))
        #expect(after.map(\.time) == before.map(\.time) && after.map(\.taskID) == ["1", "2", "3"])
        await site.close()
    }

    @Test(
        "only RabbitMQ has exchanges for them, and others say so at once",
        arguments: ParkingTransport.available.filter { !$0.rawValue.hasSuffix("RabbitMQ") })
    func noExchange(_ transport: ParkingTransport) async throws {
        let site = try await ParkingSite(transport)
        let error = await #expect(throws: CeleriacError.self) {
            try await site.worker { $0.deadLetterExchange = "dead" }.run()
        }
        #expect(error?.code == .configuration)
        await site.close()
    }

    #if AMQP && Redis
    @Test(
        "go to the operator's exchange as they came, with the reason; they are parked if it is missing or leads nowhere",
        arguments: [ParkingTransport.celeryRabbitMQ, .machineryRabbitMQ], [nil, "dead.key"])
    func deadLetters(_ transport: ParkingTransport, key: String?) async throws {
        let log = LogRecorder()
        let site = try await ParkingSite(transport, logger: log.logger)
        let client = AMQPClient(
            configurations: [try AMQPConfiguration(url: site.broker)],
            eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: LogRecorder().logger)
        let channel = try await client.connection().openChannel(confirms: false)
        // Machinery's messages come by its exchange with its binding key.
        let came = transport.isCelery ? transport.queue : site.broken("").routingKey
        let worker = site.worker {
            $0.deadLetterExchange = "dead"
            $0.deadLetterRoutingKey = key
        }
        let warning = "the dead-letter exchange does not take what cannot be run: it is parked"
        try await withRunning(worker) {
            // It is missing.
            try await site.publish("1")
            try await untilParked(["1"], at: site)
            // It leads nowhere.
            try await channel.exchangeDeclare("dead", type: "direct")
            try await site.publish("2")
            try await untilParked(["1", "2"], at: site)
            #expect(log.count(warning) == 1)

            try await channel.queueDeclare("letters")
            try await channel.queueBind("letters", exchange: "dead", routingKey: key ?? came)
            try await site.publish("3")
            var letter: AMQPDelivery?
            try await until {
                letter = try await channel.get(queue: "letters", noAck: true)
                return letter != nil
            }
            let message = try #require(letter).message
            #expect(message.body == site.broken("3").message.body)
            #expect(message.headers["x-celeriac-reason"]?.stringValue?.isEmpty == false)
            #expect(message.headers["x-celeriac-failure-stored"] == true)
            if transport.isCelery { #expect(message.headers["id"] == "3") }
        }
        #expect(try await site.parked() == ["1", "2"])
        await client.close()
        await site.close()
    }
    #endif
}
