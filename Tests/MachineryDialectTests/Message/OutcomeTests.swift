import CeleriacCore
import CeleriacWire
import MachineryDialect
import MachineryWire
import Testing

import struct FoundationEssentials.Date

/// What follows from outcomes, in the order in which Machinery's worker does it.
@Suite struct OutcomeTests {
    private let formats = MachineryFormats(defaultRoutingKey: "machinery_tasks")
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    private func request(_ signature: MachinerySignature, attempts: Int = 0) throws -> TaskRequest {
        try formats.request(
            of: WireMessage(body: try signature.encode()),
            delivery: Delivery(
                content: .success(WireMessage()), queue: "machinery_tasks", attempts: attempts,
                receipt: Receipt(generation: 0, tag: 1)))
    }

    private func effects(
        _ outcome: Outcome, _ signature: MachinerySignature, attempts: Int = 0, storesResult: Bool = true
    ) throws -> [Effect] {
        try formats.effects(
            of: outcome, for: request(signature, attempts: attempts),
            in: EffectContext(
                nodeName: "w", now: now, storesResult: storesResult, taskOptions: TaskOptions(),
                resultExpiry: .seconds(3600)))
    }

    private func signature(_ name: String = "add", _ uuid: String = "task_1") -> MachinerySignature {
        MachinerySignature(uuid: uuid, name: name, args: [MachineryArgument(type: "int64", value: 1)])
    }

    private func words(_ effects: [Effect]) -> [String] {
        effects.map { effect in
            switch effect {
            case .publish(let messages): "publish " + messages.map { name(of: $0) }.joined(separator: ",")
            case .store(let record): "\(record.state) \(record.taskID)"
            case .settle(.acknowledge): "acknowledge"
            case .settle(.reject): "reject"
            case .settle(.requeue): "requeue"
            case .settle(.park(let fault)): "park \(fault.reason)"
            case .pause: "pause"
            case .chord(.add(let part)): "join \(part.groupID)"
            case .chord, .call: "?"
            }
        }
    }

    private func name(of message: OutgoingMessage) -> String {
        (try? MachinerySignature.decode(message.message.body).name) ?? "?"
    }

    private func published(_ effects: [Effect]) throws -> [MachinerySignature] {
        try effects.flatMap { effect in
            guard case .publish(let messages) = effect else { return [MachinerySignature]() }
            return try messages.map { try MachinerySignature.decode($0.message.body) }
        }
    }

    @Test func successIsStoredThenCallbacksAreSentThenTheMessageEnds() throws {
        var task = signature()
        task.onSuccess = [signature("second", "task_2"), signature("third", "")]
        let effects = try effects(.success([["Type": "int64", "Value": 3]]), task)
        let third = try #require(try published(effects).last?.uuid)
        #expect(third.hasPrefix("task_"))
        #expect(
            words(effects) == [
                "SUCCESS task_1", "PENDING task_2", "publish second", "PENDING \(third)", "publish third",
                "acknowledge",
            ])
        let arguments = try published(effects).map { $0.args?.map(\.value) }
        #expect(arguments == [[1, 3], [1, 3]])
        #expect(try published(effects).allSatisfy { $0.routingKey == "machinery_tasks" && $0.headers == [:] })
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
        #expect(words(effects) == ["FAILURE task_1", "PENDING task_2", "publish told", "acknowledge"])
        #expect(
            try published(effects).first?.args == [
                MachineryArgument(type: "string", value: "boom"), MachineryArgument(type: "int64", value: 1),
            ])
    }

    @Test(arguments: [(0, 1), (1, 2), (2, 3), (3, 5), (4, 5), (5, 8), (13, 21), (-7, 1), (Int.max, 39_088_169)])
    func retriesWaitForTheNextFibonacciNumber(_ before: Int, _ after: Int) throws {
        var task = signature()
        task.retryCount = 2
        task.retryTimeout = before
        let effects = try effects(.failure(TaskFailure("error", "boom")), task)
        #expect(words(effects) == ["RETRY task_1", "PENDING task_1", "publish add", "acknowledge"])
        let later = try #require(try published(effects).first)
        #expect(later.retryCount == 1)
        #expect(later.retryTimeout == after)
        #expect(later.eta?.seconds == 1_800_000_000 + Int64(after))
        guard case .publish(let messages) = effects[2] else { return #expect(Bool(false)) }
        #expect(messages.first?.notBefore == now.addingTimeInterval(Double(after)))
    }

    @Test func aRetryThatATaskAsksForCountsNothingDown() throws {
        var task = signature()
        task.retryCount = 2
        let effects = try effects(.retry(eta: now.addingTimeInterval(1.5), cause: TaskFailure("error", "later")), task)
        #expect(words(effects) == ["RETRY task_1", "PENDING task_1", "publish add", "acknowledge"])
        #expect(try published(effects).first?.retryCount == 2)
    }

    @Test func argumentsThatDoNotConvertAreNotTriedAgain() throws {
        var task = MachinerySignature(uuid: "task_1", name: "add", args: [MachineryArgument(type: "map", value: 1)])
        task.retryCount = 5
        let request = try request(task)
        #expect(request.refusal?.arguments == ["Reflect task args error: map is not one of supported types"])
        let effects = try effects(.failure(try #require(request.refusal)), task)
        #expect(words(effects) == ["FAILURE task_1", "acknowledge"])
    }

    @Test func unknownTasksComeBackAFewTimesLaterAndLater() throws {
        #expect(try words(effects(.unregistered, signature())) == ["pause", "requeue"])
        #expect(try words(effects(.unregistered, signature(), attempts: 2)) == ["pause", "requeue"])
        #expect(try words(effects(.unregistered, signature(), attempts: 3)) == ["park unregistered"])
        var ignored = signature()
        ignored.ignoreWhenTaskNotRegistered = true
        #expect(try words(effects(.unregistered, ignored)) == ["reject"])
    }

    @Test func withoutABackendNothingIsStored() throws {
        var task = signature()
        task.onSuccess = [signature("second", "task_2")]
        task.groupUUID = "group_1"
        #expect(try words(effects(.success(.null), task, storesResult: false)) == ["publish second", "acknowledge"])
        // As Machinery's null backend does it, each member of a chord sends the callback.
        task.chordCallback = signature("sum", "chord_1")
        #expect(
            try words(effects(.success(.null), task, storesResult: false)) == [
                "publish second", "publish sum", "acknowledge",
            ])
        let failure = Outcome.failure(TaskFailure("error", "boom"))
        #expect(try words(effects(failure, task, storesResult: false)) == ["acknowledge"])
    }

    @Test func aChordIsJoinedAndItsCallbackGetsTheResultsInOrder() throws {
        var task = signature()
        task.groupUUID = "group_1"
        task.groupTaskCount = 2
        task.chordCallback = signature("sum", "chord_1")
        let effects = try effects(.success([["Type": "int64", "Value": 3]]), task)
        #expect(words(effects) == ["SUCCESS task_1", "join group_1", "acknowledge"])
        guard case .chord(.add(let part)) = effects[1] else { return #expect(Bool(false)) }
        let states = try [5, 7].map { number in
            try MachineryTaskState(
                taskUUID: "t\(number)", state: "SUCCESS", results: [MachineryResult(type: "int64", value: .int(number))]
            ).encode()
        }
        func follows(_ states: [[UInt8]]) -> [Effect] {
            part.whenComplete(
                ChordCompletion(claim: ChordClaim(groupID: "group_1", token: ""), parts: states, group: nil))
        }
        #expect(part.size == 2)
        #expect(words(follows(states)) == ["PENDING chord_1", "publish sum"])
        #expect(try published(follows(states)).first?.args?.map(\.value) == [1, 5, 7])
        let failed = try MachineryTaskState(taskUUID: "t9", state: "FAILURE", error: "boom").encode()
        #expect(words(follows([states[0], failed])) == ["FAILURE chord_1"])
        #expect(words(follows([Array("x".utf8)])) == ["FAILURE chord_1"])
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
        // Those of handlers without types get one.
        guard case .store(let record) = try effects(.success(7), signature())[0] else { return #expect(Bool(false)) }
        #expect(String(decoding: record.payload, as: UTF8.self).contains(#""Results":[{"Type":"int64","Value":7}]"#))
    }
}
