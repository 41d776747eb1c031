import Celeriac

/// Sends chains or chords one after another, and waits for the result of each.
struct WorkflowProducer {
    private static let patience = Duration.seconds(60)

    struct WrongResult: Error {
        let result: Int
        let expected: Int
    }

    /// How many workflows there are.
    let number: Int
    /// How many tasks a chain has, and how many members a chord.
    let size: Int

    /// Each task of a chain adds 1 to what the one before returns.
    func chains(by app: CeleryApp) async throws {
        var chain = BenchTasks.add(0, 1)
        for _ in 1..<max(size, 2) { chain = chain.then(BenchTasks.add, 1) }
        try await run(chain, expecting: max(size, 2), by: app)
    }

    /// A chord's body sums up what its members return.
    func chords(by app: CeleryApp) async throws {
        let members = (0..<size).map { BenchTasks.add($0, 1) }
        try await run(chord(members, body: BenchTasks.total), expecting: size * (size - 1) / 2 + size, by: app)
    }

    /// Prints how long all have taken after the first one, which connects and declares.
    private func run(_ workflow: Signature<Int>, expecting expected: Int, by app: CeleryApp) async throws {
        try await send(workflow, expecting: expected, by: app)
        let start = ContinuousClock.now
        for _ in 0..<number { try await send(workflow, expecting: expected, by: app) }
        print(#"{"seconds": \#((ContinuousClock.now - start) / .seconds(1)), "number": \#(number * size)}"#)
    }

    private func send(_ workflow: Signature<Int>, expecting expected: Int, by app: CeleryApp) async throws {
        let result = try await app.send(workflow).get(timeout: Self.patience)
        if result != expected { throw WrongResult(result: result, expected: expected) }
    }
}
