import CeleriacCore
import NIOConcurrencyHelpers

/// One round trip of a worker or a client.
enum Trip: Equatable, Sendable {
    /// Messages, by their routing keys.
    case publish([String])
    /// States, by the ids of their tasks.
    case store([String])
    case chord([ChordOperation])
    case settle([Settlement])
    /// Deliveries that are given back, by their tags.
    case giveBack([UInt64])

    /// What the trip settles; nothing for another.
    var settlements: [Settlement] {
        if case .settle(let settlements) = self { settlements } else { [] }
    }
}

/// A broker, a result store and a consumer in one. It records every round trip and answers as a test says.
final class TripRecorder: MessageBroker, ResultStore, MessageConsumer {
    private let recorded = NIOLockedValueBox<[Trip]>([])
    private let answer: @Sendable (Trip) async throws -> [ChordCompletion?]?
    private let stored: [String: [UInt8]]
    let countsChords: Bool

    /// Makes a recorder.
    ///
    /// - Parameters:
    ///   - countsChords: whether the result store counts the parts of chords.
    ///   - stored: the states that the result store has, by the ids of their tasks.
    ///   - answer: called for each trip once it is recorded. It may wait and throw, and returns what operations of
    ///     chords complete; nil for nothing.
    init(
        countsChords: Bool = true, stored: [String: [UInt8]] = [:],
        _ answer: @escaping @Sendable (Trip) async throws -> [ChordCompletion?]? = { _ in nil }
    ) {
        self.countsChords = countsChords
        self.stored = stored
        self.answer = answer
    }

    var trips: [Trip] { recorded.withLockedValue { $0 } }

    @discardableResult
    private func make(_ trip: Trip) async throws -> [ChordCompletion?]? {
        recorded.withLockedValue { $0.append(trip) }
        return try await answer(trip)
    }

    // MARK: Broker

    var name: String { "recorder" }
    func publish(_ messages: [OutgoingMessage]) async throws { try await make(.publish(messages.map(\.routingKey))) }
    func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer { self }
    func close() async {}

    // MARK: ResultStore

    var replyTo: String { "" }
    var deliversOnce: Bool { false }
    func store(_ records: [ResultRecord]) async throws { try await make(.store(records.map(\.taskID))) }
    func perform(_ operations: [ChordOperation]) async throws -> [ChordCompletion?] {
        try await make(.chord(operations)) ?? operations.map { _ in nil }
    }
    func watch(_ taskIDs: [String], sink: any ResultSink) async throws {}
    func unwatch(_ taskIDs: [String]) {}
    func fetch(_ taskIDs: [String]) async throws -> [[UInt8]?] { taskIDs.map { stored[$0] } }
    func forget(_ taskIDs: [String]) async throws {}

    // MARK: MessageConsumer

    func next(atMost limit: Int) async throws -> [Delivery] { [] }
    func settle(_ settlements: [Settlement]) async throws { try await make(.settle(settlements)) }
    func giveBack(_ receipts: [Receipt]) async throws { try await make(.giveBack(receipts.map(\.tag))) }
    func stop() async {}
}
