import Celeriac
import CeleriacCore
import CeleriacWire
import CeleryWire
import Glibc
import Logging
import MachineryWire
import Synchronization

/// Performs one operation COUNT times (`Instructions WHAT COUNT`), for callgrind to count instructions. Without
/// arguments, `Instructions` lists the operations.
@main enum Instructions {
    private static let work: KeyValuePairs<String, @Sendable (Int) async throws -> Void> = [
        "celery decode": { for _ in 0..<$0 { _ = try CeleryTaskMessage.decode(celery) } },
        "celery encode": { for _ in 0..<$0 { _ = try celeryTask.encode() } },
        "celery send": { try await send($0, celeryApp(MemoryBroker())) },
        "celery drain": { count in
            let broker = MemoryBroker()
            let app = celeryApp(broker)
            try await fill(broker, "celery", celery, count)
            let tally = Tally(count)
            let worker = app.worker(concurrency: 8) { add.handler { x, y in tally.count(x + y) } }
            tally.whenFull { worker.stop() }
            try await worker.run()
        },
        "machinery decode": { for _ in 0..<$0 { _ = try MachinerySignature.decode(machinery.body) } },
        "machinery encode": { for _ in 0..<$0 { _ = try machinerySignature.encode() } },
        "machinery send": { try await send($0, machineryServer(MemoryBroker())) },
        "machinery drain": { count in
            let broker = MemoryBroker()
            let server = try machineryServer(broker)
            try await fill(broker, "machinery_tasks", machinery, count)
            let tally = Tally(count)
            let worker = server.worker(consumerTag: "worker", concurrency: 8) {
                add.handler { x, y in tally.count(x + y) }
            }
            tally.whenFull { worker.stop() }
            try await worker.run()
        },
    ]

    // This is not an async main, because that ends the main thread, at which valgrind 3.19 crashes.
    static func main() {
        Task.detached {
            do {
                try await perform()
                exit(0)
            } catch {
                print(error)
                exit(1)
            }
        }
        while true { sleep(60) }
    }

    private static func perform() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        guard let name = arguments.first else { return work.forEach { print($0.key) } }
        guard let run = work.first(where: { $0.key == name })?.value, let count = arguments.last.flatMap({ Int($0) })
        else { throw CeleriacError(.configuration, "usage: Instructions [WHAT COUNT]") }
        try await run(count)
    }

    private static let add = TaskDefinition<Int, Int, Int>("tasks.add", parameters: "x", "y")
    private static let id = "0b0a9f1e-5b6c-4d0e-9f5a-0c2d4e6f8a1b"
    private static let celeryTask = CeleryTaskMessage(task: "tasks.add", id: id, args: [2, 3], kwargs: [:])
    private static let celery: WireMessage = (try? celeryTask.encode()) ?? WireMessage(body: [])
    private static let machinerySignature = MachinerySignature(
        uuid: id, name: "tasks.add",
        args: [MachineryArgument(type: "int64", value: 2), MachineryArgument(type: "int64", value: 3)])
    private static let machinery = WireMessage(body: (try? machinerySignature.encode()) ?? [])

    private static func celeryApp(_ broker: MemoryBroker) -> CeleryApp {
        CeleryApp(broker: broker, results: MemoryResultStore(), logger: logger)
    }

    /// What a worker logs of each task would be counted as well.
    private static var logger: Logger {
        var logger = Logger(label: "instructions")
        logger.logLevel = .warning
        return logger
    }

    private static func machineryServer(_ broker: MemoryBroker) throws -> MachineryServer {
        try MachineryServer(
            configuration: MachineryConfiguration(broker: "memory://", resultBackend: "memory://"), broker: broker,
            logger: logger)
    }

    private static func fill(_ broker: MemoryBroker, _ queue: String, _ message: WireMessage, _ count: Int) async throws
    {
        try await broker.publish(
            [OutgoingMessage](
                repeating: OutgoingMessage(message: message, routingKey: queue), count: count))
    }

    private static func send(_ count: Int, _ sender: some TaskSender) async throws {
        for number in 0..<count { try await sender.send(add(number, number)) }
    }
}

/// Calls back when a given number of tasks has run.
private final class Tally: Sendable {
    private let left: Atomic<Int>
    private let onFull = Mutex<(@Sendable () -> Void)?>(nil)

    init(_ number: Int) { left = Atomic(number) }

    func whenFull(_ action: @escaping @Sendable () -> Void) { onFull.withLock { $0 = action } }

    func count(_ value: Int) -> Int {
        if left.subtract(1, ordering: .relaxed).newValue == 0 { onFull.withLock { $0 }?() }
        return value
    }
}
