import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Foundation
import Testing

@testable import CeleriacCommand

/// Tests what a migration remembers of what its target has.
@Suite("The journal of a migration") struct MigrationJournalTests {
    private func message(_ id: String, retries: Int64 = 0, body: String = "[[], {}, {}]") -> WireMessage {
        WireMessage(
            headers: ["id": .string(id), "retries": .int(retries)],
            properties: MessageProperties(correlationID: id), body: Array(body.utf8))
    }

    @Test("what was confirmed before a crash is recognized once, and only if it comes back")
    func resumes() throws {
        let folder = try TemporaryFolder("journal")
        defer { folder.remove() }
        let path = folder.path + "/a.journal"
        let (first, second) = (
            MigrationJournal.key(of: message("a"), in: "celery"), MigrationJournal.key(of: message("b"), in: "celery")
        )
        let journal = try MigrationJournal(path, from: "s", to: "t")
        try journal.note([first, second])
        let id = journal.id
        // As after a crash: nobody has ended it in good order.
        journal.close(isComplete: false)

        let next = try MigrationJournal(path, from: "s", to: "t")
        #expect(next.id == id && next.inheritedCount == 2)
        #expect(!next.recognizes(first, hasComeBack: false))
        #expect(next.recognizes(first, hasComeBack: true))
        #expect(!next.recognizes(first, hasComeBack: true))
        // A source that does not tell is believed to have had it before.
        #expect(next.recognizes(second, hasComeBack: nil))
        next.close(isComplete: true)
        #expect(!FileManager.default.fileExists(atPath: path))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }

    @Test("a line that was cut off counts for nothing, and the next ones stand by themselves")
    func cutOff() throws {
        let folder = try TemporaryFolder("journal")
        defer { folder.remove() }
        let path = folder.path + "/a.journal"
        let key = MigrationJournal.key(of: message("a"), in: "celery")
        let journal = try MigrationJournal(path, from: "s", to: "t")
        try journal.note([key])
        journal.close(isComplete: false)
        let file = try #require(FileHandle(forUpdatingAtPath: path))
        try file.seekToEnd()
        try file.write(contentsOf: Data(key.prefix(17).utf8))
        try file.close()
        let next = try MigrationJournal(path, from: "s", to: "t")
        #expect(next.inheritedCount == 1)
        try next.note([key])
        next.close(isComplete: false)
        let last = try MigrationJournal(path, from: "s", to: "t")
        #expect(last.inheritedCount == 2)
        last.close(isComplete: true)
    }

    @Test("is cut after each round, and keeps the last one")
    func rounds() throws {
        let folder = try TemporaryFolder("journal")
        defer { folder.remove() }
        let path = folder.path + "/a.journal"
        let keys = ["a", "b", "c"].map { MigrationJournal.key(of: message($0), in: "celery") }
        let journal = try MigrationJournal(path, from: "s", to: "t")
        for key in keys {
            try journal.note([key])
            try journal.endRound()
        }
        #expect(!journal.recognizes(keys[0], hasComeBack: true))
        #expect(!journal.recognizes(keys[2], hasComeBack: false))
        // Somebody else had had it: it is another message of the same bytes.
        #expect(!journal.recognizes(keys[2], hasComeBack: true, mayBeOwn: false))
        #expect(journal.recognizes(keys[2], hasComeBack: true))
        journal.close(isComplete: false)
        let next = try MigrationJournal(path, from: "s", to: "t")
        #expect(next.inheritedCount == 1)
        next.close(isComplete: true)
    }

    @Test("belongs to one migration, of which one run goes on")
    func owner() throws {
        let folder = try TemporaryFolder("journal")
        defer { folder.remove() }
        let path = folder.path + "/a.journal"
        let journal = try MigrationJournal(path, from: "s", to: "t")
        #expect(throws: CeleriacError.self) { _ = try MigrationJournal(path, from: "s", to: "t") }
        journal.close(isComplete: false)
        #expect(throws: CeleriacError.self) { _ = try MigrationJournal(path, from: "t", to: "s") }
        let other = folder.path + "/b.journal"
        try Data("something else\n".utf8).write(to: URL(filePath: other))
        #expect(throws: CeleriacError.self) { _ = try MigrationJournal(other, from: "s", to: "t") }
        #expect(try Data(contentsOf: URL(filePath: other)) == Data("something else\n".utf8))
    }

    @Test("tells messages apart by task, retries, time, body and queue")
    func keys() {
        var late = message("a")
        late.headers["eta"] = "2031-01-01T00:00:00+00:00"
        let keys = [
            MigrationJournal.key(of: message("a"), in: "celery"), MigrationJournal.key(of: message("b"), in: "celery"),
            MigrationJournal.key(of: message("a", retries: 1), in: "celery"),
            MigrationJournal.key(of: message("a", body: "[[1], {}, {}]"), in: "celery"),
            MigrationJournal.key(of: message("a"), in: "mail"), MigrationJournal.key(of: late, in: "celery"),
        ]
        #expect(Set(keys).count == keys.count)
        // What brokers add makes it no other message.
        var counted = message("a")
        counted.headers["x-delivery-count"] = 2
        #expect(MigrationJournal.key(of: counted, in: "celery") == keys[0])
    }
}
