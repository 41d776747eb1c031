package import CeleriacWire
import CeleryWire
package import Foundation

/// The cells of an `interop.yaml`, tried one after another on private servers.
///
/// Tests have them by the trait `interop` of the product `CeleriacTesting`. The servers are ``SharedServers``, with a database
/// or a virtual host for each worker on each transport. Workers and producers end with ``close()``, or when this process
/// ends.
public actor InteropMatrix {
    /// All cells, in the order in which they cost the fewest starts of workers.
    public nonisolated let cells: [InteropCell]
    private let timeout: Double
    private var stage: Stage?
    private var turn: Task<Void, Never>?

    /// A worker on a transport, or why there is none, and the producers that were started beside it.
    private struct Stage {
        let worker: InteropPeer
        let transport: InteropTransport
        let addresses: InteropAddresses?
        let process: Result<InteropProcess, any Error>
        var producers: [String: Result<any InteropProducer, any Error>] = [:]
    }

    /// Reads a file.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - variables: what `${NAME}` in a command stands for, in addition to the environment's variables.
    /// - Throws: ``TestKitError`` with code `invalidFile`, which names the line and the column.
    public init(file path: String, variables: [String: String] = [:]) throws {
        self.init(try InteropFile(path: path, variables: variables))
    }

    /// Makes the matrix of a file that was read.
    package init(_ file: InteropFile) {
        cells = file.cells
        timeout = file.timeout
    }

    /// The cells of a file, for the arguments of a test.
    ///
    /// - Throws: as ``init(file:variables:)``.
    public static func cells(of path: String, variables: [String: String] = [:]) throws -> [InteropCell] {
        try InteropFile(path: path, variables: variables).cells
    }

    /// Tries a cell, once those before have ended. Starts the worker, the servers and the producer unless they run.
    public func verdict(of cell: InteropCell) async -> InteropVerdict {
        await next { await self.judge(cell) }
    }

    /// Tries cells one after another, and ends the workers and producers.
    ///
    /// - Parameters:
    ///   - cells: the cells; nil for all.
    ///   - required: the names of peers that have to be there.
    ///   - tell: hears of each.
    /// - Returns: all verdicts.
    package func report(
        of cells: [InteropCell]? = nil, requiring required: Set<String> = [],
        tell: @Sendable (InteropReport.Entry) -> Void = { _ in }
    ) async -> InteropReport {
        let wanted = cells ?? self.cells
        var report = InteropReport(of: wanted)
        for cell in wanted {
            let start = ContinuousClock.now
            let verdict = await verdict(of: cell).requiring(required, in: cell)
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            let entry = InteropReport.Entry(cell: cell, verdict: verdict, seconds: seconds)
            report.add(entry)
            tell(entry)
        }
        await close()
        return report
    }

    /// Ends the worker and the producers that run. The servers stay for others of this process.
    public func close() async { await next { await self.endStage() } }

    /// Does one thing after the other, whoever asks: two cells at once would each end the other's worker.
    private func next<Value: Sendable>(_ body: @escaping @Sendable () async -> Value) async -> Value {
        let before = turn
        let mine = Task {
            _ = await before?.value
            return await body()
        }
        turn = Task { _ = await mine.value }
        return await mine.value
    }

    // MARK: One cell

    private func judge(_ cell: InteropCell) async -> InteropVerdict {
        if let reason = cell.notApplicable { return .notApplicable(reason) }
        for (role, peer) in [("worker", cell.worker), ("producer", cell.producer)] {
            do {
                _ = try peer.executable()
            } catch {
                return .skipped("the \(role) \(peer.name) is missing: \(error.message)")
            }
        }
        let worker: InteropProcess
        let producer: any InteropProducer
        do {
            worker = try await self.worker(for: cell)
            if let end = worker.end { return .failed(end) }
            producer = try self.producer(for: cell)
        } catch let error as TestKitError where error.code == .missingProgram {
            return .skipped(error.message)
        } catch {
            return .failed("\(error)")
        }
        do {
            let verdict = try await verdict(of: cell.testCase, by: producer)
            guard verdict.isFailure, let reason = verdict.reason else { return verdict }
            return .failed(reason + (worker.end.map { "; \($0)" } ?? ""))
        } catch {
            // A producer that does not answer is no use to the cells after this one, which start another.
            if case .success(let mute)? = stage?.producers.removeValue(forKey: cell.producer.name) { await mute.stop() }
            return .failed("\(error)")
        }
    }

    private func verdict(of testCase: InteropCase, by producer: any InteropProducer) async throws -> InteropVerdict {
        let limit = timeout + (testCase.delay ?? 0)
        // A producer may take longer than a result: it may have to connect first.
        let patience = Duration.seconds(limit + 30)
        let begin = Date().addingTimeInterval(testCase.delay ?? 0)
        let sent = try await producer.ask(testCase.question(beginning: begin), within: patience)
        if let reason = sent["unsupported"]?.stringValue { return .notApplicable(reason) }
        guard let id = sent["id"]?.stringValue else { return .failed(Self.complaint(sent)) }
        if testCase.expectation == .ignored {
            return try await self.verdict(ofIgnored: id, testCase, by: producer, within: patience)
        }
        let answer = try await producer.ask(
            ["op": "get", "id": .string(id), "timeout": .double(limit)], within: patience)
        if let reason = answer["unsupported"]?.stringValue { return .notApplicable(reason) }
        guard let outcome = PythonOutcome(answer: answer) else { return .failed(Self.complaint(answer)) }
        if let mismatch = testCase.expectation.mismatch(outcome) { return .failed(mismatch) }
        // A task that fails may do so at once: one that expires before its time, for instance.
        if testCase.delay != nil, case .success = outcome, Date() < begin {
            return .failed("the result came before the task's time")
        }
        return .passed
    }

    /// Sends the task of an ignored result once more, as one whose result is stored. When that is there, the other would be.
    private func verdict(
        ofIgnored id: String, _ testCase: InteropCase, by producer: any InteropProducer, within patience: Duration
    ) async throws -> InteropVerdict {
        let sent = try await producer.ask(testCase.witness, within: patience)
        guard let witness = sent["id"]?.stringValue else { return .failed(Self.complaint(sent)) }
        let answer = try await producer.ask(
            ["op": "get", "id": .string(witness), "timeout": .double(timeout)], within: patience)
        guard case .success? = PythonOutcome(answer: answer) else {
            return .failed("the same task with its result has failed: \(answer.shown)")
        }
        let found = try await producer.ask(["op": "state", "id": .string(id)], within: patience)
        if let reason = found["unsupported"]?.stringValue { return .notApplicable(reason) }
        guard let state = found["state"]?.stringValue else { return .failed(Self.complaint(found)) }
        return state == "PENDING" ? .passed : .failed("its state is \(state), although its result is ignored")
    }

    /// What an answer says that is none of the expected ones.
    private static func complaint(_ answer: WireValue) -> String {
        guard let failed = answer["failed"] else { return "the producer answered \(answer.shown)" }
        let words = ["type", "message"].compactMap { failed[$0]?.stringValue }
        return "the producer failed: \(words.joined(separator: ": "))"
    }

    // MARK: The stage

    private func worker(for cell: InteropCell) async throws -> InteropProcess {
        if let stage, stage.worker == cell.worker, stage.transport == cell.transport {
            return try stage.process.get()
        }
        await endStage()
        var addresses: InteropAddresses?
        let process: Result<InteropProcess, any Error>
        do {
            let made = try await InteropAddresses.make(cell.dialect, cell.transport)
            addresses = made
            let started = try InteropProcess(cell.worker, role: "worker", at: made, input: .null)
            if let ready = cell.worker.ready {
                do {
                    try await started.prints(ready)
                } catch {
                    await started.child.kill()
                    throw error
                }
            }
            process = .success(started)
        } catch {
            // What did not start once is not started again for each case.
            process = .failure(error)
        }
        stage = Stage(worker: cell.worker, transport: cell.transport, addresses: addresses, process: process)
        return try process.get()
    }

    private func producer(for cell: InteropCell) throws -> any InteropProducer {
        if let known = stage?.producers[cell.producer.name] {
            return try known.get()
        }
        guard let addresses = stage?.addresses else { throw TestKitError(.noWorker, "no worker runs") }
        let made = Result<any InteropProducer, any Error> {
            if cell.producer.isBuiltIn { return try SwiftProducer(at: addresses) }
            return try ProcessProducer(cell.producer, at: addresses)
        }
        stage?.producers[cell.producer.name] = made
        return try made.get()
    }

    private func endStage() async {
        guard let ending = stage else { return }
        stage = nil
        for case .success(let producer) in ending.producers.values { await producer.stop() }
        if case .success(let worker) = ending.process { await worker.child.stop(grace: .seconds(20)) }
        ending.addresses?.folder.remove()
    }
}

extension InteropCase {
    /// The question by which a producer is asked to send it. A task that waits may begin at `time`.
    package func question(beginning time: Date) -> WireValue {
        guard var object = canvas.objectValue, object["task"] != nil else { return ["op": "canvas", "canvas": canvas] }
        if eta != nil {
            var options = object["options"]?.objectValue ?? [:]
            options["eta"] = CeleryTime.text(time).map { WireValue.string($0) }
            object["options"] = .object(options)
        }
        object["op"] = "send"
        return .object(object)
    }

    /// The question that sends its task as one whose result is stored.
    var witness: WireValue {
        var object = canvas.objectValue ?? [:]
        if var options = object["options"]?.objectValue {
            options["ignore_result"] = nil
            object["options"] = .object(options)
        }
        object["op"] = "send"
        return .object(object)
    }
}
