import CeleriacBridge
import CeleriacCore
import CeleriacWire
import MachineryWire
import Testing

@Suite struct ReplyTranslationTests {
    private func value(_ outcome: Outcome) -> WireValue? {
        if case .success(let value) = outcome { value } else { nil }
    }

    private func failure(_ outcome: Outcome) -> TaskFailure? {
        if case .failure(let failure) = outcome { failure } else { nil }
    }

    private func toMachinery(_ value: WireValue, returns: [String]? = nil) throws -> Outcome {
        var route = BridgeRoute.toCelery
        route.tasks = TaskTable([TaskRule("add", returns: returns)])
        return ReplyTranslation(route, to: .machinery).outcome(
            of: TaskResult(taskID: "1", state: .success, value: value), for: try Requests.machinery([]))
    }

    private func toCelery(_ results: [MachineryResult]) throws -> Outcome {
        ReplyTranslation(.toMachinery, to: .celery).outcome(
            of: TaskResult(taskID: "task_1", state: .success, value: .array(results.map(\.wireValue))),
            for: try Requests.celery([]))
    }

    @Test func resultGetsItsGoTypes() throws {
        func results(_ value: WireValue, _ returns: [String]? = nil) throws -> [MachineryResult]? {
            self.value(try toMachinery(value, returns: returns))?.arrayValue?.compactMap { MachineryResult(wire: $0) }
        }
        #expect(try results(nil) == [])
        #expect(try results(3) == [MachineryResult(type: "int64", value: 3)])
        #expect(try results(3, ["float64"]) == [MachineryResult(type: "float64", value: 3)])
        #expect(
            try results(.number("18446744073709551615"))
                == [MachineryResult(type: "uint64", value: .number("18446744073709551615"))])
        #expect(
            try results(["__type__": "bytes", "__value__": "hi"]) == [MachineryResult(type: "[]uint8", value: "aGk=")])
        #expect(
            try results([1, "a"], ["int64", "string"])
                == [MachineryResult(type: "int64", value: 1), MachineryResult(type: "string", value: "a")])
        #expect(try results([1], []) == [])
    }

    @Test func resultThatGoCannotHaveIsAFailure() throws {
        #expect(failure(try toMachinery(["a": 1])) != nil)
        #expect(failure(try toMachinery([])) != nil)
        #expect(failure(try toMachinery(1.5, returns: ["int64"])) != nil)
        #expect(failure(try toMachinery([1], returns: ["int64", "string"])) != nil)
    }

    @Test func resultsGetTheirPythonForm() throws {
        let one = MachineryResult(type: "[]uint8", value: "aGk=")
        let two = MachineryResult(type: "uint64", value: .number("18446744073709551615"))
        #expect(value(try toCelery([])) == WireValue.null)
        #expect(value(try toCelery([one])) == ["__type__": "bytes", "__value__": "hi"])
        #expect(
            value(try toCelery([one, two]))
                == [["__type__": "bytes", "__value__": "hi"], .number("18446744073709551615")])
        #expect(value(try toCelery([MachineryResult(type: "common.Point", value: ["X": 1])])) == ["X": 1])
    }

    @Test func errorKeepsItsText() throws {
        let error = RemoteTaskError(
            taskID: "1", type: "ValueError", module: "builtins", arguments: ["boom"], traceback: "there")
        let towardsGo = ReplyTranslation(.toCelery, to: .machinery).outcome(
            of: TaskResult(taskID: "1", state: .failure, error: error), for: try Requests.machinery([]))
        #expect(failure(towardsGo)?.arguments == ["ValueError: boom"])
        let text = RemoteTaskError(taskID: "1", type: "error", module: nil, arguments: ["bad"])
        let towardsPython = ReplyTranslation(.toMachinery, to: .celery).outcome(
            of: TaskResult(taskID: "1", state: .failure, error: text), for: try Requests.celery([]))
        #expect(failure(towardsPython)?.type == "RuntimeError")
        #expect(failure(towardsPython)?.arguments == ["bad"])
    }
}
