import CeleriacCore
import CeleriacWire
import CeleryWire
import FoundationEssentials
import Testing

@testable import CeleryDialect

/// What follows from what, without any broker.
@Suite struct CeleryFormatsTests {
    private let formats = CeleryFormats()
    private let now = Date(timeIntervalSince1970: 1_795_437_015)

    private func request(
        headers: WireObject = [:], replacing text: String = "", by other: String = "",
        change: (inout CeleryTaskMessage) -> Void = { _ in }
    ) throws -> TaskRequest {
        var task = CeleryTaskMessage(task: "tasks.add", id: "id-1", args: [2, 3])
        task.otherHeaders = headers
        change(&task)
        var message = try task.encode()
        if !text.isEmpty {
            message.body = Array(String(decoding: message.body, as: UTF8.self).replacing(text, with: other).utf8)
        }
        return try formats.request(
            of: message,
            delivery: Delivery(
                content: .failure(MessageFault(reason: "", detail: "")), queue: "math",
                receipt: Receipt(generation: 0, tag: 1)))
    }

    private func context(_ options: TaskOptions = TaskOptions(), storesResult: Bool = true) -> EffectContext {
        EffectContext(
            nodeName: "w@h", now: now, storesResult: storesResult, taskOptions: options, resultExpiry: .seconds(60),
            publication: PublicationContext(
                now: now, replyTo: "", defaultQueue: "celery", routes: [:], countsChords: true,
                resultExpiry: .seconds(60)))
    }

    /// The kinds of effects, in their order.
    private func kinds(_ effects: [Effect]) -> [String] {
        effects.map { effect in
            switch effect {
            case .publish(let messages): "publish \(messages.map(\.routingKey))"
            case .store(let record): "store \(record.state)"
            case .chord(.add(let part)): "part \(part.taskID) of \(part.groupID)"
            case .chord(.open(let id, let size)): "open \(id) \(size)"
            case .chord(.extend(let id)): "extend \(id)"
            case .chord(.save(let id, _, _)): "save \(id)"
            case .chord(.close(let claim, let succeeded)): "close \(claim.groupID) \(succeeded)"
            case .call(let call): "call \(call.name)"
            case .settle(.acknowledge): "acknowledge"
            case .settle(.reject): "reject"
            case .settle(.requeue): "requeue"
            case .settle(.park(let fault)): "park \(fault.reason)"
            case .pause(let duration): "pause \(duration)"
            }
        }
    }

    @Test func outcomesBecomeEffectsInCelerysOrder() throws {
        let request = try request()
        let failure = TaskFailure("ValueError", "no")
        let strict = TaskOptions(acknowledgesOnFailure: false, acknowledgesOnTimeout: false)
        let expected: [(Outcome, TaskOptions, [String])] = [
            (.success(5), TaskOptions(), ["store SUCCESS", "acknowledge"]),
            (.failure(failure), TaskOptions(), ["store FAILURE", "acknowledge"]),
            (.failure(failure), strict, ["store FAILURE", "reject"]),
            (.retry(eta: now, cause: failure), TaskOptions(), [#"publish ["math"]"#, "store RETRY", "acknowledge"]),
            (.expired, TaskOptions(), ["store REVOKED", "acknowledge"]),
            (.timedOut(limit: 3), TaskOptions(), ["store FAILURE", "acknowledge"]),
            (.timedOut(limit: 3), strict, ["store FAILURE", "requeue"]),
            (.unregistered, TaskOptions(), ["store FAILURE", "park unregistered"]),
            (.ignored, TaskOptions(), ["acknowledge"]),
            (.rejected(requeue: true), TaskOptions(), ["requeue"]),
            (.rejected(requeue: false), TaskOptions(), ["store FAILURE", "reject"]),
        ]
        for (outcome, options, wanted) in expected {
            #expect(kinds(try formats.effects(of: outcome, for: request, in: context(options))) == wanted, "\(outcome)")
        }
    }

    @Test func nothingIsStoredWhereNobodyWantsIt() throws {
        let request = try request()
        let silent = context(storesResult: false)
        #expect(kinds(try formats.effects(of: .success(5), for: request, in: silent)) == ["acknowledge"])
        let errors = context(TaskOptions(storesErrorsEvenIfIgnored: true), storesResult: false)
        let failed = Outcome.failure(TaskFailure("ValueError", "no"))
        #expect(kinds(try formats.effects(of: failed, for: request, in: silent)) == ["acknowledge"])
        #expect(kinds(try formats.effects(of: failed, for: request, in: errors)) == ["store FAILURE", "acknowledge"])
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
            .task(
                TaskSubmission(
                    id: "id-2", name: "tasks.other", arguments: [], keywordArguments: [:], options: SendOptions(),
                    replyTo: "")))
        guard case .publish(let messages)? = try formats.effects(of: other, for: request, in: context()).first else {
            Issue.record("nothing is published")
            return
        }
        #expect(try CeleryTaskMessage.decode(messages[0].message).replacedTaskNesting == .max)
    }
}
