#if AMQP && Redis
import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Foundation
import Testing

/// Redis and RabbitMQ with an application of Celery's at each, and what waits there.
struct MigrationSite: Sendable {
    /// A message that waits, as far as a migration must keep it.
    struct Waiting: Sendable, Hashable {
        let number: Int
        let queue: String
        let id: String
        let priority: UInt8
        let eta: String?
    }

    static let add = TaskDefinition<Int, Int>("tasks.add")
    static let queues = ["celery", "mail"]

    let redis: BrokerSite
    let rabbitMQ: BrokerSite

    init() async throws {
        redis = try await BrokerSite(.redis)
        rabbitMQ = try await BrokerSite(.rabbitMQ)
    }

    /// Sends tasks of two queues, of four priorities and without one, and every fifth for later.
    static func send(_ numbers: Range<Int>, from app: CeleryApp) async throws {
        let later = Date(timeIntervalSince1970: 2_000_000_000.25)
        let priorities: [UInt8?] = [nil, 0, 3, 6, 9]
        let portion = 250
        for (place, start) in stride(from: numbers.lowerBound, to: numbers.upperBound, by: portion).enumerated() {
            let portionOf = start..<min(start + portion, numbers.upperBound)
            try await app.send(
                portionOf.map { add($0) },
                options: SendOptions(
                    eta: place % 5 == 4 ? later.addingTimeInterval(Double(start)) : nil,
                    priority: priorities[place % priorities.count], queue: queues[place / 2 % queues.count],
                    ignoresResult: true))
        }
    }

    /// Has Python send tasks of two queues and of four priorities, and the last of each ten for later.
    static func send(_ numbers: Range<Int>, from driver: PythonDriver) async throws {
        let priorities: [Int64] = [0, 3, 6, 9]
        var messages: [PythonDriver.Message] = []
        for number in numbers {
            let place = number % 10
            var options: [String: WireValue] = [
                "queue": .string(queues[place % queues.count]), "ignore_result": true,
                "priority": .int(priorities[place / 2 % priorities.count]),
            ]
            if place == 9 { options["eta"] = .string(pythonsETA) }
            messages.append(PythonDriver.Message("tasks.add", [.int(Int64(number))], options: options))
        }
        _ = try await driver.send(messages)
    }

    /// The time of those, as Python writes it.
    static let pythonsETA = "2033-05-18T03:33:20+00:00"

    /// All that waits at a broker, in the order in which a worker would get it. It stays there.
    static func waiting(at app: CeleryApp) async throws -> [Waiting] {
        var found: [Waiting] = []
        for queue in queues {
            let count = try await app.client.broker.depth(of: queue)
            guard count > 0 else { continue }
            let consumer = try await app.client.broker.consume(
                ConsumerOptions(queues: [TaskQueue(queue)], prefetch: 60_000, nodeName: "look@live"))
            var deliveries: [Delivery] = []
            while deliveries.count < count { deliveries += try await consumer.next(atMost: 1000) }
            await consumer.stop()
            try await consumer.close()
            for delivery in deliveries {
                let message = try delivery.content.get()
                let body = try WireJSON.decode(message.body)
                found.append(
                    Waiting(
                        number: try #require(body[0]?[0]?.intValue), queue: queue,
                        id: try #require(message.headers["id"]?.stringValue),
                        priority: message.properties.priority ?? 0, eta: message.headers["eta"]?.stringValue))
            }
        }
        return found
    }

    /// What waits, by queue and priority: within these the order has to stay.
    static func ordered(_ waiting: [Waiting]) -> [[String]: [Waiting]] {
        Dictionary(grouping: waiting) { [$0.queue, "\($0.priority)"] }
    }

    /// Whether what waits is in the order in which it was sent, within each queue and priority: there its numbers rise.
    static func isInOrder(_ waiting: [Waiting]) -> Bool {
        ordered(waiting).values.allSatisfy { group in
            zip(group, group.dropFirst()).allSatisfy { $0.number < $1.number }
        }
    }

    /// Begins to move all queues.
    func migrate(_ source: BrokerSite, _ target: BrokerSite, _ arguments: String...) throws -> ProgramProcess {
        try ProgramProcess(
            [
                "migrate", "-b", source.broker, "--to", target.broker, "-Q", Self.queues.joined(separator: ","),
                "--json", "--journal", "\(redis.folder.path)/migration.journal",
            ] + arguments, in: redis.folder)
    }

    /// What a run has printed.
    static func report(_ logged: String) throws -> WireValue {
        let line = try #require(logged.split(separator: "\n").last { $0.hasPrefix("{") }, "\(logged)")
        return try WireJSON.decode(Array(line.utf8))
    }

    /// How many messages wait at a broker.
    static func depth(at app: CeleryApp) async throws -> Int {
        var depth = 0
        for queue in queues { depth += try await app.client.broker.depth(of: queue) }
        return depth
    }

    func close() async {
        await redis.close()
        await rabbitMQ.close()
    }
}
#endif
