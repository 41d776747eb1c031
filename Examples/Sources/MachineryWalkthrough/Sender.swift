import Celeriac
import MachineryWire

/// Sends the walkthrough's tasks and prints their results. Throws if a result is wrong.
struct Sender {
    let server: MachineryServer

    struct WrongResult: Error { let line: String }

    func run() async throws {
        try await singleTasks()
        try await workflows()
        try await failures()
    }

    private func expect<Value: Equatable>(_ line: String, _ found: Value, _ expected: Value) throws {
        guard found == expected else { throw WrongResult(line: "\(line) = \(found)") }
        print("\(line) = \(expected)")
    }

    private func expect(_ line: String, _ found: Int?, _ expected: Int) throws {
        guard found == expected else { throw WrongResult(line: line) }
        print("\(line) = \(expected)")
    }

    private func expect(_ line: String, _ found: [Int?], _ expected: [Int]) throws {
        guard found == expected else { throw WrongResult(line: line) }
        print("\(line) = \(expected)")
    }

    private func singleTasks() async throws {
        print("Single task:")
        let sum = try await server.send(Tasks.add([1, 1]))
        try expect("1 + 1", try await sum.get(timeout: .seconds(30), every: .milliseconds(5)), 2)
        // The state is still known when it is read again, although RabbitMQ returns each state only once.
        guard try await sum.status() == .success else { throw WrongResult(line: "status") }

        print("Task with a slice of ints:")
        let ints = try await server.send(Tasks.sumInts([1, 2, 3]))
        try expect("sum([1, 2, 3])", try await ints.get(timeout: .seconds(30), every: .milliseconds(5)), 6)
        let floats = try await server.send(Tasks.sumFloats([1.5, 2.7]))
        try expect("sum([1.5, 2.7])", try await floats.get(timeout: .seconds(30), every: .milliseconds(5)), 4.2)
        let text = try await server.send(Tasks.concat(["foo", "bar"]))
        try expect("concat([foo, bar])", try await text.get(timeout: .seconds(30), every: .milliseconds(5)), "foobar")
        let letters = try await server.send(Tasks.split("foo"))
        try expect(
            "split(foo)", try await letters.get(timeout: .seconds(30), every: .milliseconds(5)), ["f", "o", "o"])
    }

    private func workflows() async throws {
        let additions = [
            try server.signature(Tasks.add([1, 1])), try server.signature(Tasks.add([2, 2])),
            try server.signature(Tasks.add([5, 6])),
        ]
        print("Group of tasks (parallel execution):")
        let group = try await server.send(MachineryGroup(additions), sendConcurrency: 10)
        try expect("1 + 1, 2 + 2, 5 + 6", try await group.get(timeout: .seconds(30)).map(\.intValue), [2, 4, 11])

        print("Group of tasks with a callback (chord):")
        let callback = try server.signature(Tasks.multiply([]))
        let chord = try await server.send(MachineryChord(MachineryGroup(additions), callback: callback))
        try expect("(1 + 1) * (2 + 2) * (5 + 6)", try await chord.get(timeout: .seconds(30)).intValue, 88)

        print("Chain of tasks:")
        let chain = try await server.send(MachineryChain(additions + [server.signature(Tasks.multiply([4]))]))
        let links = try await chain.get(timeout: .seconds(30))
        try expect("(((1 + 1) + (2 + 2)) + (5 + 6)) * 4", links.last?.intValue, 68)
    }

    private func failures() async throws {
        print("Task that panics:")
        let panic = try await server.send(Tasks.panicTask())
        do {
            try await panic.get(timeout: .seconds(30), every: .milliseconds(5))
            throw WrongResult(line: "panic_task")
        } catch let error as RemoteTaskError {
            try expect("panic_task", error.message ?? "", "oops")
        }
        print("Task that takes long and returns nothing:")
        let long = try await server.send(Tasks.longRunningTask())
        try await long.get(timeout: .seconds(30), every: .milliseconds(5))
        print("long_running_task has ended")
    }
}
