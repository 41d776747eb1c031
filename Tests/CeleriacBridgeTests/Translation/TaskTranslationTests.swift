import CeleriacBridge
import CeleriacCore
import CeleriacWire
import CeleryWire
import Foundation
import MachineryWire
import Testing

@Suite struct TaskTranslationTests {
    private func toCelery(
        _ request: TaskRequest, _ change: (inout BridgeRoute) -> Void = { _ in }
    ) throws -> TaskSubmission {
        var route = BridgeRoute.toCelery
        change(&route)
        return try TaskTranslation(route, to: .celery, defaultQueue: "other").submission(of: request)
    }

    private func toMachinery(
        _ request: TaskRequest, _ change: (inout BridgeRoute) -> Void = { _ in }
    ) throws -> TaskSubmission {
        var route = BridgeRoute.toMachinery
        change(&route)
        return try TaskTranslation(route, to: .machinery, defaultQueue: "machinery_tasks").submission(of: request)
    }

    @Test func signatureBecomesATask() throws {
        let eta = Date(timeIntervalSince1970: 2_000_000_000)
        let argument = MachineryArgument(type: "uint64", value: .number("18446744073709551615"))
        let request = try Requests.machinery([argument]) { signature in
            signature.eta = GoTime(eta)
            signature.priority = 5
            signature.headers = ["traceparent": "00-1", "x-death": "no", "flag": true]
        }
        let submission = try toCelery(request) { $0.tasks = TaskTable([TaskRule("add", to: "tasks.add")]) }
        #expect(submission.name == "tasks.add")
        #expect(submission.id == "1")
        #expect(submission.arguments == [.number("18446744073709551615")])
        #expect(submission.options.eta == eta)
        #expect(submission.options.priority == 5)
        #expect(submission.options.queue == "celery")
        #expect(
            submission.options.headers
                == ["flag": true, "traceparent": "00-1", "celeriac-bridge": "celeriac:to-celery"])
    }

    @Test func taskBecomesASignature() throws {
        let request = try Requests.celery([1, "a"]) { task in
            task.otherHeaders = ["traceparent": "00-1"]
            task.eta = "2033-05-18T03:33:20+00:00"
        }
        let submission = try toMachinery(request)
        #expect(submission.id == "task_1")
        #expect(submission.options.taskID == "task_1")
        #expect(submission.options.queue == nil)
        #expect(
            submission.options.headers == ["traceparent": "00-1", "celeriac-bridge": "celeriac:to-machinery"])
        #expect(submission.options.eta == Date(timeIntervalSince1970: 2_000_000_000))
        #expect(
            submission.arguments.map { MachineryArgument(wire: $0) } == [
                MachineryArgument(type: "int64", value: 1), MachineryArgument(type: "string", value: "a"),
            ])
    }

    @Test func retryIsAnotherTask() throws {
        let first = try toCelery(Requests.machinery([]) { $0.retryCount = 2 })
        let second = try toCelery(Requests.machinery([]) { $0.retryCount = 1 })
        #expect(first.id == "1-r2")
        #expect(second.id == "1-r1")
        #expect(try toMachinery(Requests.celery([]) { $0.retries = 1 }).id == "task_1-r1")
    }

    @Test func keywordsFindTheirPositions() throws {
        let table = TaskTable([TaskRule("add", parameters: ["x", "y"])])
        let submission = try toMachinery(Requests.celery([1], ["y": 2])) { $0.tasks = table }
        #expect(submission.arguments.compactMap { MachineryArgument(wire: $0)?.value } == [1, 2])
        for keywords: WireObject in [["z": 2], ["x": 2], ["y": 2, "z": 3]] {
            let request = try Requests.celery([1], keywords)
            #expect(reason { _ = try toMachinery(request) { $0.tasks = table } } == "keywordArguments")
        }
        let request = try Requests.celery([1], ["y": 2])
        #expect(reason { _ = try toMachinery(request) } == "keywordArguments")
    }

    @Test func whatMachineryLacksIsRefusedUnlessItMayBeDropped() throws {
        let cases: [(part: CarriedPart, request: TaskRequest)] = [
            (.expires, try Requests.celery([]) { $0.expires = "2033-05-18T03:33:20+00:00" }),
            (.timeLimits, try Requests.celery([]) { $0.timeLimit = CeleryTimeLimit(hard: 5, soft: nil) }),
            (
                .stamps,
                try Requests.celery([]) { task in
                    task.stampedHeaders = ["user"]
                    task.stamps = ["user": "me"]
                }
            ),
            (.headers, try Requests.celery([]) { $0.otherHeaders = ["number": 5] }),
        ]
        for (part, request) in cases {
            #expect(reason { _ = try toMachinery(request) } == part.rawValue)
            let submission = try toMachinery(request) { $0.dropped = [part] }
            #expect(submission.options.headers == ["celeriac-bridge": "celeriac:to-machinery"])
            #expect(submission.options.expires == nil)
        }
    }

    @Test func typesOfTheTableAreFollowed() throws {
        let table = TaskTable([TaskRule("add", types: ["int8", "float64"])])
        let submission = try toMachinery(Requests.celery([1, 2])) { $0.tasks = table }
        #expect(submission.arguments.compactMap { MachineryArgument(wire: $0)?.type } == ["int8", "float64"])
        let short = try Requests.celery([1])
        #expect(reason { _ = try toMachinery(short) { $0.tasks = table } } == "argumentCount")
        let other = try Requests.machinery([MachineryArgument(type: "string", value: "a")])
        #expect(reason { _ = try toCelery(other) { $0.tasks = table } } == "valueMismatch")
    }

    @Test func namesFollowTheTable() throws {
        let table = TaskTable([TaskRule("go.*", to: "tasks.*"), TaskRule("go.add", to: "sum")], passesOthers: false)
        func name(_ task: String) throws -> String {
            try toCelery(Requests.machinery([], name: task)) { $0.tasks = table }.name
        }
        #expect(try name("go.add") == "sum")
        #expect(try name("go.multiply") == "tasks.multiply")
        #expect(reason { _ = try name("other") } == "unknownTask")
    }

    @Test func messageThatComesRoundIsRefused() throws {
        let here = try Requests.machinery([]) { $0.headers = ["celeriac-bridge": "celeriac:a,celeriac:to-celery"] }
        #expect(reason { _ = try toCelery(here) } == "loop")
        let far = try Requests.machinery([]) { $0.headers = ["celeriac-bridge": "a,b,c,d,e,f,g,h"] }
        #expect(reason { _ = try toCelery(far) } == "tooManyHops")
        let second = try Requests.machinery([]) { $0.headers = ["celeriac-bridge": "other:a"] }
        #expect(try toCelery(second).options.headers["celeriac-bridge"] == "other:a,celeriac:to-celery")
    }

    @Test func argumentsThatGoCannotReadAreRefused() throws {
        let request = try Requests.machinery([MachineryArgument(type: "int64", value: "x")])
        #expect(reason { _ = try toCelery(request) } == "badArguments")
    }
}
