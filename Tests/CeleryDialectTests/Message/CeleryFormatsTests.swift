import CeleriacCore
import CeleriacWire
import CeleryWire
import FoundationEssentials
import Testing

@testable import CeleryDialect

/// The effects of outcomes, without any broker.
@Suite struct CeleryFormatsTests {
    private let formats = CeleryFormats()
    private let now = EffectBench.now

    private func request(
        headers: WireObject = [:], change: (inout CeleryTaskMessage) -> Void = { _ in }
    ) throws -> TaskRequest {
        var task = CeleryTaskMessage(task: "tasks.add", id: "id-1", args: [2, 3])
        task.otherHeaders = headers
        change(&task)
        return try EffectBench(formats: formats).request(of: try task.encode())
    }

    private func context(_ options: TaskOptions = TaskOptions(), storesResult: Bool = true) -> EffectContext {
        EffectBench.context(options, storesResult: storesResult)
    }

    /// The stored state of the task.
    private func store(_ state: TaskState, _ result: WireValue, traceback: String? = nil) throws -> Effect {
        let meta = CeleryResultMeta(
            status: state.rawValue, result: result, traceback: traceback, children: [],
            dateDone: state.isFinal ? EffectBench.time : nil, taskID: "id-1")
        return .store(
            ResultRecord(
                taskID: "id-1", state: state, payload: try meta.encode(), correlationID: "id-1", expiry: .seconds(60)))
    }

    private func store(
        _ state: TaskState, _ type: String, _ arguments: [WireValue], module: String = "celery.exceptions",
        traceback: String? = nil
    ) throws -> Effect {
        try store(
            state, CeleryRemoteException(excType: type, excMessage: arguments, excModule: module).encode(),
            traceback: traceback)
    }

    @Test func outcomesBecomeEffectsInCelerysOrder() throws {
        let request = try request()
        let failure = TaskFailure("ValueError", "no")
        let strict = TaskOptions(acknowledgesOnFailure: false, acknowledgesOnTimeout: false)
        var again = try #require(request.celeryMessage)
        again.retries = 1
        again.eta = EffectBench.time
        again.parentID = "id-1"
        again.ignoreResult = false
        let sentAgain = OutgoingMessage(message: try again.encode(), routingKey: "math", declaredQueue: "math")
        let failed = try store(.failure, "ValueError", ["no"], module: "builtins")
        let late = try store(
            .failure, "TimeLimitExceeded", [3], module: "billiard.exceptions",
            traceback: "Swift task tasks.add[id-1] passed its hard time limit of 3.0 seconds.")
        let fault = MessageFault(
            reason: "unregistered", detail: "no handler is registered for tasks.add at this worker")
        let expected: [(Outcome, TaskOptions, [Effect])] = try [
            (.success(5), TaskOptions(), [store(.success, 5), .settle(.acknowledge)]),
            (.failure(failure), TaskOptions(), [failed, .settle(.acknowledge)]),
            (.failure(failure), strict, [failed, .settle(.reject)]),
            (
                .retry(eta: now, cause: failure), TaskOptions(),
                [
                    .publish([sentAgain]), store(.retry, "ValueError", ["no"], module: "builtins"),
                    .settle(.acknowledge),
                ]
            ),
            (.expired, TaskOptions(), [store(.revoked, "TaskRevokedError", ["expired"]), .settle(.acknowledge)]),
            (
                .revoked(.revoked), TaskOptions(),
                [store(.revoked, "TaskRevokedError", ["revoked"]), .settle(.acknowledge)]
            ),
            (
                .revoked(.terminated(signal: 15)), TaskOptions(),
                [store(.revoked, "TaskRevokedError", ["terminated"]), .settle(.acknowledge)]
            ),
            (.timedOut(limit: 3), TaskOptions(), [late, .settle(.acknowledge)]),
            (.timedOut(limit: 3), strict, [late, .settle(.requeue)]),
            (
                .unregistered, TaskOptions(),
                [store(.failure, "NotRegistered", ["tasks.add"]), .settle(.park(fault))]
            ),
            (.ignored, TaskOptions(), [.settle(.acknowledge)]),
            (
                .cancelled, TaskOptions(),
                [store(.retry, "Retry", ["Retry(Retry(...), None, None)", nil, nil]), .settle(.requeue)]
            ),
            (.rejected(requeue: true), TaskOptions(), [.settle(.requeue)]),
            (.rejected(requeue: false), TaskOptions(), [store(.failure, "Reject", [nil, false]), .settle(.reject)]),
        ]
        for (outcome, options, wanted) in expected {
            #expect(try formats.effects(of: outcome, for: request, in: context(options)) == wanted, "\(outcome)")
        }
    }

    @Test func aResultIsStoredAsCeleryWritesIt() throws {
        guard case .store(let record)? = try formats.effects(of: .success(5), for: request(), in: context()).first
        else {
            Issue.record("nothing is stored")
            return
        }
        #expect(
            String(decoding: record.payload, as: UTF8.self) == """
                {"status": "SUCCESS", "result": 5, "traceback": null, "children": [], \
                "date_done": "2026-11-23T12:30:15+00:00", "task_id": "id-1"}
                """)
    }

    @Test func nothingIsStoredWhereNobodyWantsIt() throws {
        let request = try request()
        let silent = context(storesResult: false)
        #expect(try formats.effects(of: .success(5), for: request, in: silent) == [.settle(.acknowledge)])
        let errors = context(TaskOptions(storesErrorsEvenIfIgnored: true), storesResult: false)
        let failed = Outcome.failure(TaskFailure("ValueError", "no"))
        #expect(try formats.effects(of: failed, for: request, in: silent) == [.settle(.acknowledge)])
        #expect(
            try formats.effects(of: failed, for: request, in: errors) == [
                store(.failure, "ValueError", ["no"], module: "builtins"), .settle(.acknowledge),
            ])
    }

    /// A single task is published without making a signature first. Its message must still be the one that the
    /// signature gives.
    @Test(
        arguments: [
            SendOptions(), SendOptions(countdown: .seconds(10)), SendOptions(countdown: .zero),
            SendOptions(countdown: .seconds(-10)),
            SendOptions(countdown: .seconds(10), eta: EffectBench.now.addingTimeInterval(60)),
            SendOptions(expires: EffectBench.now.addingTimeInterval(90)), SendOptions(expiresAfter: .seconds(90)),
            SendOptions(priority: 3, queue: "other", headers: ["x-trace": "abc"]),
            SendOptions(exchange: "media", routingKey: "a.b"),
            SendOptions(timeLimits: TimeLimits(soft: .seconds(1.5), hard: .seconds(3)), ignoresResult: true),
            SendOptions(serializer: .msgpack, compression: .zlib), SendOptions(serializer: .yaml),
            SendOptions(argumentsText: "(…)", keywordArgumentsText: "{…}"),
        ])
    func aTaskAloneIsSentAsItsSignatureWouldBe(_ options: SendOptions) throws {
        let context = PublicationContext(
            now: now, replyTo: "me", defaultQueue: "celery", routes: [:], countsChords: true, resultExpiry: nil)
        let formats = CeleryFormats(router: CeleryRouter(routes: ["tasks.add": "routed"]))
        var task = TaskSubmission(
            id: "id-1", name: "tasks.add", arguments: [2], keywordArguments: ["k": 3], options: options)
        let alone = try formats.publication(of: .task(task), in: context)
        task.options.taskID = "id-1"
        // The canvas makes a chain of one into its task.
        let canvas = try formats.publication(of: .chain([.task(task)], SubmissionOptions()), in: context)
        guard case .publish(let one)? = alone.steps.first, case .publish(let other)? = canvas.steps.first else {
            Issue.record("nothing is published")
            return
        }
        #expect(alone.result == ResultReference(id: "id-1") && alone.steps.count == 1 && canvas.steps.count == 1)
        #expect(one.map(\.routingKey) == other.map(\.routingKey) && one.map(\.exchange) == other.map(\.exchange))
        let (first, second) = (try #require(one.first).message, try #require(other.first).message)
        #expect(first.headers == second.headers)
        #expect(first.properties == second.properties)
        #expect(first.body == second.body)
    }

    @Test func aRetryKeepsEverythingButTheBrokersOwnAccount() throws {
        let death: WireValue = [["count": 1, "queue": "math", "reason": "expired"]]
        let request = try request(headers: [
            "x-trace": "abc", "x-death": death, "x-first-death-queue": "math", "x-last-death-reason": "expired",
            "x-delivery-count": 2,
        ]) { task in
            task.retries = 1
            task.expires = "2030-01-01T00:00:00+00:00"
            task.timeLimit = CeleryTimeLimit(hard: 30, soft: 20)
            task.properties.priority = 7
            task.properties.replyTo = "r"
        }
        let effects = try formats.effects(
            of: .retry(eta: now, cause: TaskFailure("ValueError", "no")), for: request, in: context())
        guard case .publish(let messages)? = effects.first, let again = messages.first else {
            Issue.record("nothing is published")
            return
        }
        let task = try CeleryTaskMessage.decode(again.message)
        #expect(task.id == "id-1")
        #expect(task.args == [2, 3])
        #expect(task.retries == 2)
        #expect(task.eta == "2026-11-23T12:30:15+00:00")
        #expect(task.expires == "2030-01-01T00:00:00+00:00")
        #expect(task.timeLimit == CeleryTimeLimit(hard: 30, soft: 20))
        #expect(task.parentID == "id-1")
        #expect(task.properties.priority == 7)
        #expect(task.properties.replyTo == "r")
        #expect(task.otherHeaders == ["x-trace": "abc"])
        #expect(again.routingKey == "math")
    }

    @Test func numbersWithoutBoundsDoNotEndTheWorker() throws {
        let request = try request { task in
            task.retries = .max
            task.replacedTaskNesting = .max
            task.timeLimit = CeleryTimeLimit(hard: 1e300, soft: .greatestFiniteMagnitude)
        }
        #expect(request.timeLimits.hard == .seconds(3_155_760_000))
        #expect(request.timeLimits.soft == .seconds(3_155_760_000))
        let retry = Outcome.retry(eta: now, cause: TaskFailure("ValueError", "no"))
        guard case .publish(let messages)? = try formats.effects(of: retry, for: request, in: context()).first else {
            Issue.record("nothing is published")
            return
        }
        #expect(try CeleryTaskMessage.decode(messages[0].message).retries == .max)
        let other = Outcome.replaced(
            Replacement(.task(TaskSubmission(id: "id-2", name: "tasks.other", arguments: []))))
        guard case .publish(let messages)? = try formats.effects(of: other, for: request, in: context()).first else {
            Issue.record("nothing is published")
            return
        }
        #expect(try CeleryTaskMessage.decode(messages[0].message).replacedTaskNesting == .max)
    }
}
