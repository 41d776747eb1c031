import CeleriacCore
import CeleriacWire
import Testing

import struct FoundationEssentials.Date

@testable import CeleriacBridge

/// What a courier holds, as a value.
@Suite struct HeldNotesTests {
    private static func delivery(
        generation: UInt64 = 0, tag: UInt64, redelivered: Bool = false
    ) -> Delivery {
        Delivery(
            content: .success(WireMessage(body: [])), queue: "q", redelivered: redelivered,
            receipt: Receipt(generation: generation, tag: tag))
    }

    private static func note(_ id: String, following: [String] = []) -> BridgeNote {
        BridgeNote(
            of: delivery(tag: 0), WireMessage(body: []), targetID: id, following: following, deadline: Date())
    }

    private static func step(after note: BridgeNote) throws -> BridgeNote {
        let message = OutgoingMessage(message: WireMessage(body: []), routingKey: "q")
        return try #require(note.next(as: message, deadline: Date()))
    }

    private let note = Self.note("a", following: ["b", "c"])

    @Test func noteThatCameByAnotherConnectionTakesThePlaceOfTheOldOne() {
        var held = HeldNotes()
        let first = held.take(note, Self.delivery(tag: 1))
        #expect(first == .new("a"))
        #expect(held["a"]?.mayBeAnswered == false)
        let second = held.take(note, Self.delivery(generation: 1, tag: 1, redelivered: true))
        #expect(second == .known("a", others: []))
        #expect(held["a"]?.mayBeAnswered == true)
        #expect(held.count == 1)
        let ended = held.end("a")
        #expect(ended == [Receipt(generation: 1, tag: 1)])
        #expect(held.count == 0)
    }

    @Test func deliveriesOfOneConnectionAreAllHeldUntilTheyAreKnownToBeLost() {
        var held = HeldNotes()
        let (first, second) = (Receipt(generation: 0, tag: 1), Receipt(generation: 0, tag: 2))
        _ = held.take(note, Self.delivery(tag: 1))
        let arrival = held.take(Self.note("a"), Self.delivery(tag: 2))
        #expect(arrival == .known("a", others: [first]))
        var other = held
        let both = held.end("a")
        #expect(both == [first, second])
        other.drop([first], of: "a")
        let rest = other.end("a")
        #expect(rest == [second])
    }

    @Test func noteOfTheFirstStepJoinsTheStepThatIsUnderWay() throws {
        var held = HeldNotes()
        _ = held.take(note, Self.delivery(tag: 1))
        let second = try Self.step(after: note)
        let third = try Self.step(after: second)
        let areNew = [held.advance("a", to: second), held.advance("b", to: third)]
        #expect(areNew == [true, true])
        #expect(held["a"]?.note == nil)
        let again = held.take(note, Self.delivery(generation: 1, tag: 4, redelivered: true))
        #expect(again == .known("c", others: []))
        let ended = held.end("c")
        #expect(ended == [Receipt(generation: 1, tag: 4)])
        // Nothing is left of the workflow.
        let anew = held.take(note, Self.delivery(generation: 1, tag: 5))
        #expect(anew == .new("a"))
    }

    @Test func stepThatHasANoteOfItsOwnIsAwaitedOnce() throws {
        var held = HeldNotes()
        _ = held.take(note, Self.delivery(tag: 1))
        _ = held.take(Self.note("b"), Self.delivery(tag: 2))
        let second = try Self.step(after: note)
        let isNew = held.advance("a", to: second)
        #expect(!isNew)
        #expect(held.count == 1)
        #expect(held["b"]?.mayBeAnswered == true)
        let ended = held.end("b")
        #expect(Set(ended.map(\.tag)) == [1, 2])
    }

    @Test func withdrawalEndsItsOwnNote() {
        var held = HeldNotes()
        let again = Self.note("a")
        _ = held.take(note, Self.delivery(tag: 1))
        _ = held.take(again, Self.delivery(tag: 2))
        #expect(held.holds(note.key, about: "a") && !held.holds(note.key, about: "b"))
        let first = held.withdraw(note.key, from: "a")
        #expect(first.receipts.map(\.tag) == [1])
        #expect(first.isAwaited)
        #expect(!held.holds(note.key, about: "a") && held.holds(again.key, about: "a"))
        let unknown = held.withdraw("another", from: "a")
        #expect(unknown.receipts.isEmpty)
        let second = held.withdraw(again.key, from: "a")
        #expect(second.receipts.map(\.tag) == [2])
        #expect(!second.isAwaited)
        #expect(held.count == 0)
    }

    @Test func noteIsReadAsItWasWritten() throws {
        var written = note
        written.sourceID = "s"
        let message = try written.outgoing(to: "notes").message
        let read = try BridgeNote(message)
        #expect(read.key == written.key)
        #expect(read.sourceID == "s")
        #expect(read.targetID == "a")
        #expect(read.following == ["b", "c"])
    }
}
