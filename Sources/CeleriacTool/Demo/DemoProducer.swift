import Celeriac

/// The Swift producer of `celeriac demo`. It sends every task and prints the results.
struct DemoProducer {
    let app: CeleryApp
    /// The name of the other side, for the printed lines.
    let peer: String
    /// Where the results are told.
    let journal: DemoJournal

    /// - Returns: how many results were wrong or missing.
    /// - Throws: `CancellationError`.
    func run() async throws -> Int {
        var failures = 0
        failures += try await exchange("add(2, 3)", DemoTasks.add([2, 3]), expected: 5)
        failures += try await exchange("multiply(2, 3, 7)", DemoTasks.multiply([2, 3, 7]), expected: 42)
        failures += try await exchange("sum_ints([1, 2, 3, 4])", DemoTasks.sumInts([1, 2, 3, 4]), expected: 10)
        failures += try await exchange("sum_floats([1.5, 2.25])", DemoTasks.sumFloats([1.5, 2.25]), expected: 3.75)
        failures += try await exchange(
            "concat([\"foo\", \"bår\", \"🥕\"])", DemoTasks.concat(["foo", "bår", "🥕"]), expected: "foobår🥕")
        failures += try await exchange("split(\"abc\")", DemoTasks.split("abc"), expected: ["a", "b", "c"])
        failures += try await panic()
        failures += try await longRunning()
        return failures
    }

    private func exchange<Value: Equatable & Sendable>(
        _ call: String, _ signature: Signature<Value>, expected: Value
    ) async throws -> Int {
        do {
            let value = try await app.send(signature).get(timeout: .seconds(60))
            return report(call, "\(value)", isRight: value == expected, expected: "\(expected)")
        } catch {
            try Task.checkCancellation()
            return report(call, "\(error)", isRight: false, expected: "\(expected)")
        }
    }

    private func panic() async throws -> Int {
        do {
            try await app.send(DemoTasks.panic()).get(timeout: .seconds(60))
            return report("panic_task()", "no error", isRight: false, expected: "RuntimeError")
        } catch let error as RemoteTaskError {
            let isRight = error.type == "RuntimeError" && error.arguments == ["oops"]
            return report(
                "panic_task()", "\(error.type)(\(error.message ?? ""))", isRight: isRight,
                expected: "RuntimeError(oops)")
        } catch {
            try Task.checkCancellation()
            return report("panic_task()", "\(error)", isRight: false, expected: "RuntimeError(oops)")
        }
    }

    private func longRunning() async throws -> Int {
        do {
            try await app.send(DemoTasks.longRunning(1)).get(timeout: .seconds(60))
            return report("long_running_task(1.0)", "nothing, as it should", isRight: true, expected: "")
        } catch {
            try Task.checkCancellation()
            return report("long_running_task(1.0)", "\(error)", isRight: false, expected: "nothing")
        }
    }

    private func report(_ call: String, _ got: String, isRight: Bool, expected: String) -> Int {
        journal.note(route: "Swift → \(peer)", call: call, got: got, isRight: isRight, expected: expected)
        return isRight ? 0 : 1
    }
}

/// The tasks of `celeriac demo`. Both languages register them under these names.
enum DemoTasks {
    static let add = TaskDefinition<Variadic<Int>, Int>("demo.add")
    static let multiply = TaskDefinition<Variadic<Int>, Int>("demo.multiply")
    static let sumInts = TaskDefinition<[Int], Int>("demo.sum_ints")
    static let sumFloats = TaskDefinition<[Double], Double>("demo.sum_floats")
    static let concat = TaskDefinition<[String], String>("demo.concat")
    static let split = TaskDefinition<String, [String]>("demo.split")
    static let panic = TaskDefinition<Void>("demo.panic_task")
    static let longRunning = TaskDefinition<Double, Void>("demo.long_running_task")

    @TaskHandlerBuilder static var handlers: [TaskHandler] {
        add.handler { $0.elements.reduce(0, +) }
        multiply.handler { $0.elements.reduce(1, *) }
        sumInts.handler { $0.reduce(0, +) }
        sumFloats.handler { $0.reduce(0, +) }
        concat.handler { $0.joined() }
        split.handler { $0.map { String($0) } }
        panic.handler { throw TaskFailure("RuntimeError", "oops") }
        longRunning.handler { seconds in try await Task.sleep(for: Duration(clampedSeconds: seconds)) }
    }
}
