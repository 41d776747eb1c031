import CeleriacCore
import CeleriacWire
import MachineryDialect
import MachineryWire
import Testing

import struct FoundationEssentials.Date

/// The effects of outcomes, in the order in which Machinery's worker carries them out.
@Suite struct OutcomeTests {
    private let formats = MachineryFormats(defaultRoutingKey: "machinery_tasks")
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    private func request(_ signature: MachinerySignature) throws -> TaskRequest {
        try formats.request(
            of: WireMessage(body: try signature.encode()),
            delivery: Delivery(
                content: .success(WireMessage()), queue: "machinery_tasks",
                receipt: Receipt(generation: 0, tag: 1)))
    }

    private func effects(
        _ outcome: Outcome, _ signature: MachinerySignature, timesGivenBack: Int = 0, storesResult: Bool = true
    ) throws -> [Effect] {
        try formats.effects(
            of: outcome, for: request(signature),
            in: context(timesGivenBack: timesGivenBack, storesResult: storesResult))
    }

    private func context(timesGivenBack: Int = 0, storesResult: Bool = true) -> EffectContext {
        EffectContext(
            nodeName: "w", now: now, storesResult: storesResult, taskOptions: TaskOptions(),
            resultExpiry: .seconds(3600), timesGivenBack: timesGivenBack,
            publication: PublicationContext(
                now: now, replyTo: "", defaultQueue: "", routes: [:], countsChords: true,
                resultExpiry: .seconds(3600)))
    }

    private func signature(_ name: String = "add", _ uuid: String = "task_1") -> MachinerySignature {
        MachinerySignature(uuid: uuid, name: name, args: [MachineryArgument(type: "int64", value: 1)])
    }

    /// A state of a task, as it is stored.
    private func store(
        _ state: TaskState, _ id: String = "task_1", _ name: String = "add", results: [MachineryResult]? = nil,
        error: String = ""
    ) throws -> Effect {
        var stored = MachineryTaskState(
            taskUUID: id, taskName: name, state: state.rawValue, results: results, error: error)
        if state == .pending { stored.createdAt = GoTime(now) }
        return .store(
            ResultRecord(taskID: id, state: state, payload: try stored.encode(), expiry: .seconds(3600)))
    }

    /// The message of a signature, as Machinery's publisher sends it: to the default queue, and with headers.
    private func publish(_ signature: MachinerySignature) throws -> Effect {
        var sent = signature
        sent.routingKey = "machinery_tasks"
        sent.headers = [:]
        return .publish([
            OutgoingMessage(
                message: WireMessage(
                    properties: MessageProperties(contentType: "application/json", deliveryMode: 2),
                    body: try sent.encode()),
                routingKey: "machinery_tasks", declaredQueue: "machinery_tasks", notBefore: signature.eta?.date)
        ])
    }

    private let three = MachineryResult(type: "int64", value: 3)

    private func published(_ effects: [Effect]) throws -> [MachinerySignature] {
        try effects.flatMap { effect in
            guard case .publish(let messages) = effect else { return [MachinerySignature]() }
            return try messages.map { try MachinerySignature.decode($0.message.body) }
        }
    }

    @Test func aMessageThatGoCannotReadStillSaysWhoWaitsForIt() throws {
        func remains(_ body: String) -> TaskRequest? {
            let delivery = Delivery(
                content: .success(WireMessage()), queue: "q", receipt: Receipt(generation: 0, tag: 1))
            return formats.remains(of: WireMessage(body: Array(body.utf8)), delivery: delivery)?.request
        }
        for body in ["", "no JSON", "[]", #"{"Name": "add"}"#, #"{"UUID": 5}"#] { #expect(remains(body) == nil) }
        var request = try #require(
            remains(
                #"{"uuid": "task_1", "Name": "add", "Args": 5, "RetryCount": 3, "OnError": [{"UUID": "task_2", "Name": "#
                    + #""told"}], "ETA": "soon"}"#))
        #expect(request.id == "task_1" && request.name == "add" && request.eta == nil)
        // A task that is refused is not tried again.
        request.refusal = TaskFailure("error", "lost")
        let effects = try formats.effects(of: .failure(try #require(request.refusal)), for: request, in: context())
        #expect(try effects.first == store(.failure, error: "lost"))
        let told = try #require(try published(effects).first)
        #expect(told.uuid == "task_2" && told.args == [MachineryArgument(type: "string", value: "lost")])
    }

    @Test func successIsStoredThenCallbacksAreSentThenTheMessageEnds() throws {
        var task = signature()
        task.onSuccess = [signature("second", "task_2"), signature("third", "")]
        let effects = try effects(.success([["Type": "int64", "Value": 3]]), task)
        let id = try #require(try published(effects).last?.uuid)
        #expect(id.hasPrefix("task_"))
        var (second, third) = (signature("second", "task_2"), signature("third", id))
        second.args?.append(three.argument)
        third.args?.append(three.argument)
        #expect(
            try effects == [
                store(.success, results: [three]), store(.pending, "task_2", "second"), publish(second),
                store(.pending, id, "third"), publish(third), .settle(.acknowledge),
            ])
    }

    @Test func theFlagOfTheTaskThatEndedKeepsItsResults() throws {
        var task = signature()
        var second = signature("second", "task_2")
        second.immutable = true
        task.onSuccess = [second]
        let result: WireValue = [["Type": "[]uint8", "Value": "AQ=="]]
        #expect(try published(effects(.success(result), task)).first?.args?.last?.type == "[]uint8")
        task.immutable = true
        #expect(try published(effects(.success(result), task)).first?.args?.count == 1)
    }

    @Test func failureIsStoredAndItsTextComesFirst() throws {
        var task = signature()
        task.onError = [signature("told", "task_2")]
        let effects = try effects(.failure(TaskFailure("error", "boom")), task)
        var told = signature("told", "task_2")
        told.args = [MachineryArgument(type: "string", value: "boom"), MachineryArgument(type: "int64", value: 1)]
        #expect(
            try effects == [
                store(.failure, error: "boom"), store(.pending, "task_2", "told"), publish(told),
                .settle(.acknowledge),
            ])
    }

    @Test func aRejectedTaskFailsAndJoinsItsGroup() throws {
        var task = signature()
        task.retryCount = 2
        task.groupUUID = "group_1"
        task.groupTaskCount = 2
        task.chordCallback = signature("sum", "chord_1")
        task.onError = [signature("told", "task_2")]
        let text = "the task was rejected"
        let failed = try store(.failure, error: text)
        guard case .store(let record) = failed else { return #expect(Bool(false)) }
        let part = ChordPart(
            groupID: "group_1", taskID: "task_1", index: nil, size: 2, payload: record.payload, expiry: .seconds(3600))
        var told = signature("told", "task_2")
        told.args = [
            MachineryArgument(type: "string", value: .string(text)), MachineryArgument(type: "int64", value: 1),
        ]
        #expect(
            try effects(.rejected(requeue: false), task) == [
                failed, store(.pending, "task_2", "told"), publish(told), .chord(.add(part)), .settle(.reject),
            ])
        #expect(try effects(.rejected(requeue: true), task) == [.settle(.requeue)])
    }

    @Test(arguments: [(0, 1), (1, 2), (2, 3), (3, 5), (4, 5), (5, 8), (13, 21), (-7, 1), (Int.max, 39_088_169)])
    func retriesWaitForTheNextFibonacciNumber(_ before: Int, _ after: Int) throws {
        var task = signature()
        task.retryCount = 2
        task.retryTimeout = before
        let effects = try effects(.failure(TaskFailure("error", "boom")), task)
        var later = task
        later.retryCount = 1
        later.retryTimeout = after
        later.eta = GoTime(now.addingTimeInterval(Double(after)))
        #expect(try effects == [store(.retry), store(.pending), publish(later), .settle(.acknowledge)])
    }

    @Test func aRetryThatATaskAsksForCountsNothingDown() throws {
        var task = signature()
        task.retryCount = 2
        let effects = try effects(.retry(eta: now.addingTimeInterval(1.5), cause: TaskFailure("error", "later")), task)
        var later = task
        later.eta = GoTime(now.addingTimeInterval(1.5))
        #expect(try effects == [store(.retry), store(.pending), publish(later), .settle(.acknowledge)])
    }

    @Test func argumentsThatDoNotConvertAreNotTriedAgain() throws {
        var task = MachinerySignature(uuid: "task_1", name: "add", args: [MachineryArgument(type: "map", value: 1)])
        task.retryCount = 5
        let request = try request(task)
        #expect(request.refusal?.arguments == ["Reflect task args error: map is not one of supported types"])
        let effects = try effects(.failure(try #require(request.refusal)), task)
        let text = "Reflect task args error: map is not one of supported types"
        #expect(try effects == [store(.failure, error: text), .settle(.acknowledge)])
    }

    @Test func unknownTasksAreGivenBackLaterAndLaterForEverOrAFewTimes() throws {
        #expect(try effects(.unregistered, signature()) == [.pause(.milliseconds(250)), .giveBack()])
        #expect(
            try effects(.unregistered, signature(), timesGivenBack: 1) == [.pause(.milliseconds(500)), .giveBack()])
        // What this worker can run may be behind it.
        for (times, seconds) in [(2, 1), (.max, 2)] {
            #expect(
                try effects(.unregistered, signature(), timesGivenBack: times)
                    == [.pause(.seconds(seconds)), .giveBack(toEnd: true)])
        }
        var limited = formats
        limited.unregisteredAttempts = 3
        func limitedEffects(after times: Int) throws -> [Effect] {
            try limited.effects(of: .unregistered, for: request(signature()), in: context(timesGivenBack: times))
        }
        #expect(try limitedEffects(after: 2) == [.pause(.seconds(1)), .giveBack(toEnd: true)])
        let fault = MessageFault(
            reason: "unregistered", detail: "this worker gave it back 3 times, and no other knew the task add")
        #expect(try limitedEffects(after: 3) == [.settle(.park(fault))])
        var ignored = signature()
        ignored.ignoreWhenTaskNotRegistered = true
        #expect(try effects(.unregistered, ignored) == [.settle(.reject)])
    }

    @Test func withoutABackendNothingIsStored() throws {
        var task = signature()
        task.onSuccess = [signature("second", "task_2")]
        task.groupUUID = "group_1"
        let second = signature("second", "task_2")
        #expect(
            try effects(.success(.null), task, storesResult: false) == [publish(second), .settle(.acknowledge)])
        // As with Machinery's null backend, each member of a chord sends the callback.
        task.chordCallback = signature("sum", "chord_1")
        #expect(
            try effects(.success(.null), task, storesResult: false) == [
                publish(second), publish(signature("sum", "chord_1")), .settle(.acknowledge),
            ])
        let failure = Outcome.failure(TaskFailure("error", "boom"))
        #expect(try effects(failure, task, storesResult: false) == [.settle(.acknowledge)])
    }

    @Test func aChordIsJoinedAndItsCallbackGetsTheResultsInOrder() throws {
        var task = signature()
        task.groupUUID = "group_1"
        task.groupTaskCount = 2
        task.chordCallback = signature("sum", "chord_1")
        let ended = try store(.success, results: [three])
        guard case .store(let record) = ended else { return #expect(Bool(false)) }
        let part = ChordPart(
            groupID: "group_1", taskID: "task_1", index: nil, size: 2, payload: record.payload, expiry: .seconds(3600))
        #expect(
            try effects(.success([["Type": "int64", "Value": 3]]), task) == [
                ended, .chord(.add(part)), .settle(.acknowledge),
            ])
        let states = try [5, 7].map { number in
            try MachineryTaskState(
                taskUUID: "t\(number)", state: "SUCCESS", results: [MachineryResult(type: "int64", value: .int(number))]
            ).encode()
        }
        let claim = ChordClaim(groupID: "group_1", token: "task_1")
        let end = Effect.chord(.close(claim, succeeded: true))
        func follows(_ states: [[UInt8]]) throws -> [Effect] {
            formats.effects(
                of: ChordCompletion(claim: claim, parts: states, group: nil), of: part, for: try request(task),
                in: context())
        }
        var sum = signature("sum", "chord_1")
        sum.args = [1, 5, 7].map { MachineryArgument(type: "int64", value: $0) }
        #expect(try follows(states) == [store(.pending, "chord_1", "sum"), publish(sum), end])
        let failed = try MachineryTaskState(taskUUID: "t9", state: "FAILURE", error: "boom").encode()
        #expect(
            try follows([states[0], failed]) == [
                store(.failure, "chord_1", "sum", error: "chord member t9 failed: boom"), end,
            ])
        let unreadable = "the results of the chord cannot be handed on: resultStore"
        #expect(try follows([Array("x".utf8)]) == [store(.failure, "chord_1", "sum", error: unreadable), end])
    }

    @Test func aChordWhoseMemberIsNotCountedFailsItsCallback() throws {
        var task = signature()
        task.groupUUID = "group_1"
        task.groupTaskCount = 2
        task.chordCallback = signature("sum", "chord_1")
        func effects(size: Int?) throws -> [Effect] {
            let part = ChordPart(
                groupID: "group_1", taskID: "task_1", index: nil, size: size, payload: [], expiry: .seconds(3600))
            return formats.effects(
                ofUncounted: part, TaskFailure("error", "no"), for: try request(task), in: context())
        }
        let text = "chord member task_1 could not be counted: error: no"
        let ended = try effects(size: 2)
        #expect(try ended == [store(.failure, "chord_1", "sum", error: text)])
        let ofGroup = try effects(size: nil)
        #expect(ofGroup.isEmpty)
    }

    @Test func aGroupWithoutCallbackIsJoinedForNothing() throws {
        var task = signature()
        task.groupUUID = "group_1"
        guard case .chord(.add(let part)) = try effects(.success(.null), task)[1] else { return #expect(Bool(false)) }
        #expect(part.size == nil)
    }

    @Test func resultsThatHaveNoTypeAreRefused() throws {
        for value: WireValue in [["a": 1], [[1]], [1, ["Type": "int64", "Value": 1]]] {
            #expect(throws: CeleriacError.self) { try effects(.success(value), signature()) }
        }
        // The results of untyped handlers get a type.
        guard case .store(let record) = try effects(.success(7), signature())[0] else { return #expect(Bool(false)) }
        #expect(String(decoding: record.payload, as: UTF8.self).contains(#""Results":[{"Type":"int64","Value":7}]"#))
    }
}
