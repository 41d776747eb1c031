// The README's samples, so that they compile. `ReadmeTests` checks that they are the same.

import Celeriac
import Logging
import ServiceLifecycle
import UnixSignals

enum Tasks {
    static let add = TaskName<Int, Int, Int>("tasks.add", parameters: "x", "y")
    static let resize = TaskName<String, Int, String>("images.resize", parameters: "path", "width")
}

func produce() async throws {
    let celery = try CeleryApp(broker: "redis://localhost/0", results: "redis://localhost/1")
    let result = try await celery.send(Tasks.add(2, 3), countdown: .seconds(10), queue: "math")
    print(try await result.get(timeout: .seconds(30)))  // 5
    do {
        _ = try await celery.send(Tasks.resize("cat.png", -1)).get(timeout: .seconds(30))
    } catch let error as RemoteTaskError where error.type == "ValueError" {
        print(error.message ?? "")
    }
    // By name only, with keyword arguments, as JSON has them:
    let answer = try await celery.send(Signature("tasks.add", keywordArguments: ["x": 2, "y": 3])).get()
    print(answer.intValue ?? 0)
    await celery.close()
}

func work() async throws {
    let celery = try CeleryApp(broker: "redis://localhost/0", results: "redis://localhost/1")
    let worker = celery.worker(queues: ["celery", "math"], concurrency: 8) {
        Tasks.add.handled { x, y in x + y }
        Tasks.resize.handled { context, path, width in
            guard width > 0 else { throw TaskFailure("ValueError", "the width must be positive") }
            guard try await resize(path, to: width) else { try context.retry(after: .seconds(5)) }
            return path
        }
    }
    let group = ServiceGroup(
        services: [worker], gracefulShutdownSignals: [.sigterm, .sigint], logger: Logger(label: "worker"))
    try await group.run()
    await celery.close()
}

func beat() async throws {
    let celery = try CeleryApp(broker: "redis://localhost/0")
    let lock = try celery.lock("redis://localhost/0")
    let beat = try celery.beat(
        [
            BeatEntry("sum", try IntervalSchedule(every: .seconds(30)), Tasks.add(16, 16)),
            BeatEntry(
                "thumbnails", try Crontab("30 7 * * mon-fri", in: Zone("Europe/Berlin")), Tasks.resize("cat.png", 64)),
        ], lock: lock)
    let group = ServiceGroup(
        services: [beat], gracefulShutdownSignals: [.sigterm, .sigint], logger: Logger(label: "beat"))
    try await group.run()
    await lock.close()
    await celery.close()
}

func resize(_ path: String, to width: Int) async throws -> Bool { true }

func wire() throws {
    let object = try WireJSON.decode(Array("{\"big\": 1180591620717411303424}".utf8))
    print(object["big"] == .number("1180591620717411303424"))  // true: integers of any size are exact
    print(String(decoding: try WireJSON.encode(object, style: .python), as: UTF8.self))
}

func protocolOnly() throws {
    let message = try CeleryTaskMessage(task: "tasks.add", id: "42", args: [2, 3]).encode()
    let task = try CeleryTaskMessage.decode(message)
    print(task.task, task.args, task.properties.correlationID ?? "")
}

func machinery() async throws {
    let sum = TaskName<Rest<Int>, Int>("add")  // variadic, as Machinery's own; Swift's Int is Go's int64
    let server = try MachineryServer(
        configuration: MachineryConfiguration(broker: "redis://localhost", resultBackend: "redis://localhost"))
    server.register { sum.handled { $0.elements.reduce(0, +) } }
    let result = try await server.send(sum([1, 2]))
    print(try await result.get(timeout: .seconds(5), every: .milliseconds(5)))  // 3
    let links = [try server.signature(sum([1, 1])), try server.signature(sum([5]))]
    print(try await server.send(MachineryChain(links)).get(timeout: .seconds(5)))
    // A worker: SIGINT and SIGTERM stop it.
    try await server.makeWorker(consumerTag: "machinery_worker", concurrency: 10).launch()
}

func machineryWire() throws {
    let argument = MachineryArgument(type: "int64", value: 2)
    let message = try MachinerySignature(uuid: "task_1", name: "add", args: [argument]).encode()
    let signature = try MachinerySignature.decode(message)
    print(signature.name, try signature.convertedArguments())
}

func canvas(celery: CeleryApp) async throws {
    let add = Tasks.add
    let sum = TaskName<[Int], Int>("tasks.sum_ints")
    // A chain: each step takes the result of the one before in front of its own arguments. The types are checked.
    print(try await celery.send(add(2, 3).then(add, 4)).get())  // 9
    // A chord: side by side, then a task that takes the list of all results, then a link of a chain.
    let whole = chord([add(1, 1), add(2, 2)], body: sum).then(add, 10)
    print(try await celery.send(whole.onFailure(Signature("tasks.report"))).get())  // 16
    // A group.
    let pair = try await celery.send(group([add(1, 1), add(2, 2)]))
    print(try await pair.get())  // [2, 4]
    // It is found again by its id, here and by Python's GroupResult.restore.
    try await pair.save()
    print(try await celery.group(pair.id, as: Int.self)?.results.count ?? 0)  // 2
    // One task for many items, all at one worker or in parts.
    print(try await celery.send(add.starmap([(1, 2), (3, 4)])).get())  // [3, 7]
    print(try await celery.send(add.chunks([(1, 1), (2, 2), (3, 3)], of: 2)).get())  // [[2, 4], [6]]
}
