import CeleriacTestKit
import CeleriacWire
import Testing

/// The cells of interop files and what is judged of them.
@Suite("The interop matrix") struct InteropMatrixTests {
    @Test("every producer × worker × broker × result store × task, those of one worker together")
    func expansion() throws {
        let file = try InteropFileTests.file(
            "  - {name: a, task: t, result: 1}", "  - {name: b, task: t, result: 1}",
            head: "brokers: [redis, rabbitmq]\nresults: [redis, rpc]")
        let cells = file.cells
        #expect(cells.count == 2 * 1 * 2 * 2 * 2)
        #expect(Set(cells.map(\.description)).count == cells.count)
        #expect(cells.first?.description == "swift → swift, redis + redis, a")
        #expect(cells.last?.description == "python → swift, rabbitmq + rpc, b")
    }

    @Test("what does not exist is n/a, with the reason")
    func notApplicable() throws {
        let file = try InteropFileTests.file(
            "  - {name: a, task: t, result: 1, except: {python: not there}}",
            "  - {chord: [{task: t}], body: {task: u}, result: 1}",
            head: "brokers: [folder, rabbitmq]\nresults: [folder, rpc]")
        func reason(_ producer: String, _ transport: String, _ name: String) throws -> String? {
            let cell = file.cells.first { $0.description == "\(producer) → swift, \(transport), \(name)" }
            return try #require(cell).notApplicable
        }
        #expect(try reason("swift", "folder + folder", "a") == nil)
        #expect(try reason("python", "folder + folder", "a") == "not there")
        #expect(try reason("python", "folder + folder", "chord") == "python: has none")
        #expect(try reason("swift", "folder + rpc", "a") == "rpc results travel over RabbitMQ as the broker")
        #expect(try reason("swift", "rabbitmq + rpc", "chord") == "rpc results hold no chords")
    }

    private func expectation(_ text: String) throws -> InteropExpectation {
        let file = try InteropFileTests.file("  - {task: t, \(text)}")
        return try #require(file.cases.first).expectation
    }

    private func failed(_ arguments: WireValue...) -> PythonOutcome {
        .failure(state: "FAILURE", type: "ValueError", module: "builtins", arguments: arguments)
    }

    @Test("results are compared without the order of keys, but with their types")
    func results() throws {
        let object = try expectation("result: {a: 1, b: [2]}")
        #expect(object.mismatch(.success(["b": [2], "a": 1])) == nil)
        #expect(object.mismatch(.success(["b": [2], "a": 1.0])) != nil)
        #expect(object.mismatch(.timeout(state: "PENDING")) == "no result came in time; the state is PENDING")
        #expect(object.mismatch(failed("boom"))?.contains("ended as FAILURE with ValueError") == true)
    }

    @Test("of errors all that the file says is compared")
    func failures() throws {
        #expect(try expectation("error: ValueError").mismatch(failed("boom")) == nil)
        let other = try expectation("error: KeyError").mismatch(failed("boom"))
        #expect(other == "the error's type is ValueError, not KeyError")
        #expect(try expectation("error: {message: boom, args: [boom, 1]}").mismatch(failed("boom", 1)) == nil)
        #expect(try expectation("error: {args: [boom, 2]}").mismatch(failed("boom", 1)) != nil)
        #expect(try expectation("error: {state: REVOKED}").mismatch(failed("boom")) != nil)
        #expect(try expectation("error: ValueError").mismatch(.success(1)) != nil)
    }

    @Test("an ignored result must not be there")
    func ignored() throws {
        let ignored = try expectation("ignored: true")
        #expect(ignored == .ignored)
        #expect(ignored.mismatch(.timeout(state: "PENDING")) == nil)
        #expect(ignored.mismatch(.success(1)) == "there is a result, although it should be ignored")
    }

    @Test("a peer that is missing is skipped by name, and starts no server")
    func skipped() async throws {
        let file = try InteropFileTests.file(
            "  - {task: t, result: 1}", head: "brokers: [folder]\nresults: [folder]")
        let report = await InteropMatrix(file).report()
        #expect(report.count(.skipped) == 2 && !report.hasFailed)
        #expect(report.entries.first?.verdict.reason == "the worker swift is missing: /f/there/x/y is missing")
    }
}
