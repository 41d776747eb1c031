import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Foundation
import NIOPosix
import TestSupport
import Testing

@testable import CeleryDialect

/// Tests that a folder counts the beginnings of messages that have come back from workers that ended.
@Suite("Attempts in a folder", .timeLimit(.minutes(5)))
struct FileAttemptTests {
    @Test("the count is in the file's name, before the queue's")
    func names() {
        #expect(FileAttempts.name("1_x.a.b.msg", counting: 0) == "1_x~r0.a.b.msg")
        #expect(FileAttempts.name("1_x~r9.q.msg", counting: 10) == "1_x~r10.q.msg")
        #expect(FileAttempts.name("1_x~r9.q.msg", counting: nil) == "1_x.q.msg")
        #expect(FileAttempts.name("no dot", counting: 1) == "no dot")
        #expect(FileAttempts.count(in: "1_x~r12.q.msg") == 12)
        for name in ["1_x.q.msg", "1_x~2.q.msg", "1_x~r.q.msg", "1_x~r-1.q.msg", "1_x~r1234567.q.msg", "x.~r1.msg"] {
            #expect(FileAttempts.count(in: name) == nil)
            #expect(
                CeleryFilesystemBroker.isMessage(FileAttempts.name(name, counting: 3), ofQueue: "q")
                    == (name != "x.~r1.msg"))
        }
    }

    @Test("a name that would be too long is cut, and stays that of a file of its own")
    func longNames() {
        let long = String(repeating: "x", count: 250) + ".q.msg"
        let marked = [FileAttempts.name(long, counting: 1), FileAttempts.name(long, counting: 1)]
        for name in marked {
            #expect(name.utf8.count <= 255 && name.hasPrefix("xxx") && name.hasSuffix(".q.msg"))
            #expect(FileAttempts.count(in: name) == 1)
        }
        #expect(marked[0] != marked[1])
        let queue = "1." + String(repeating: "q", count: 249) + ".msg"
        #expect(FileAttempts.name(queue, counting: 1) == queue)
    }

    /// Has the folder as if the workers whose messages these are had ended: all that is claimed, or waits.
    private func abandon(_ bench: FilesystemBench) throws {
        let manager = FileManager.default
        let dead = UUID().uuidString
        let claims = bench.path(".celeriac")
        let folders =
            [bench.folder.path] + ((try? manager.contentsOfDirectory(atPath: claims)) ?? []).map { claims + "/" + $0 }
        try manager.createDirectory(atPath: "\(claims)/\(dead)", withIntermediateDirectories: true)
        try Data().write(to: URL(filePath: "\(claims)/\(dead).lock"))
        for folder in folders {
            for name in (try? manager.contentsOfDirectory(atPath: folder)) ?? [] where name.hasSuffix(".msg") {
                try manager.moveItem(atPath: "\(folder)/\(name)", toPath: "\(claims)/\(dead)/\(name)")
            }
        }
    }

    private func take(_ count: Int, _ consumer: any MessageConsumer) async throws -> [Delivery] {
        var deliveries: [Delivery] = []
        while deliveries.count < count { deliveries += try await consumer.next(atMost: count) }
        return deliveries
    }

    /// The one message, as a new consumer gets it.
    private func delivery(_ bench: FilesystemBench) async throws -> (Delivery, any MessageConsumer) {
        let consumer = try await bench.consume()
        return (try #require(try await take(1, consumer).first), consumer)
    }

    @Test(
        "a first beginning is free; others of a message that has come back are counted, unless they end in good order")
    func counted() async throws {
        let bench = try FilesystemBench()
        defer { bench.folder.remove() }
        try await bench.publish()
        let (first, dying) = try await delivery(bench)
        #expect(!first.redelivered && first.attempts == 0)
        try abandon(bench)
        try? await dying.close()
        // It has come back, and is given back.
        let (second, stopping) = try await delivery(bench)
        #expect(second.redelivered && second.attempts == 0)
        try await stopping.markBegun([second.receipt])
        try await stopping.giveBack([second.receipt])
        try await stopping.close()
        #expect(try bench.names().map { FileAttempts.count(in: $0) } == [0])
        // Its process ends when it has begun.
        let (third, killed) = try await delivery(bench)
        #expect(third.redelivered && third.attempts == 0)
        try await killed.markBegun([third.receipt])
        try abandon(bench)
        try? await killed.close()
        // Its handler has it run again.
        let (fourth, requeuing) = try await delivery(bench)
        #expect(fourth.redelivered && fourth.attempts == 1)
        try await requeuing.markBegun([fourth.receipt])
        try await requeuing.settle([Settlement(fourth.receipt, .requeue)])
        try await requeuing.close()
        let (fifth, parking) = try await delivery(bench)
        #expect(fifth.redelivered && fifth.attempts == 1)
        try await parking.settle([Settlement(fifth.receipt, .park(MessageFault(reason: "test", detail: "")))])
        try await parking.close()
        #expect(try bench.names(in: "celery.parked").map { FileAttempts.count(in: $0) } == [nil])
        // An operator puts it back, uncounted.
        let parked = try await bench.broker.parkedMessages(in: "celery", after: nil, limit: 10)
        #expect(try await bench.broker.requeueParked(parked.map(\.id), in: "celery") == 1)
        let (sixth, last) = try await delivery(bench)
        #expect(sixth.attempts == 0)
        try await last.settle([Settlement(sixth.receipt, .acknowledge)])
        try await last.close()
        #expect(try bench.names() == ["celery.parked"])
    }

    @Test("suspects begin one at a time, and a stop gives back those that wait", arguments: [1, 5])
    func turns(limit: Int) async throws {
        let bench = try FilesystemBench()
        defer { bench.folder.remove() }
        for _ in 0..<3 { try await bench.publish() }
        try abandon(bench)
        if limit > 2 {
            // Each was begun once, and its process ended then.
            let killed = try await bench.consume()
            try await killed.markBegun(try await take(3, killed).map(\.receipt))
            try abandon(bench)
            try? await killed.close()
        }
        var options = ConsumerOptions(queues: ["celery"], prefetch: 10, nodeName: "w@h")
        options.maximumAttempts = limit
        let consumer = try await bench.broker.consume(options)
        let deliveries = try await take(3, consumer)
        #expect(deliveries.map(\.attempts) == Array(repeating: limit > 2 ? 1 : 0, count: 3))
        try await checkTurns(of: deliveries, at: consumer)
        #expect(try bench.names().map { FileAttempts.count(in: $0) } == [limit > 2 ? 1 : 0])
        try await consumer.close()
        #expect(try bench.names().count == 2)
    }

    @Test("temporary files of processes that ended while they wrote them are removed, and no others")
    func temporaries() async throws {
        let bench = try FilesystemBench()
        defer { bench.folder.remove() }
        let id = UUID().uuidString.lowercased()
        let results = bench.path("results")
        try FileManager.default.createDirectory(atPath: results, withIntermediateDirectories: false)
        func lay(_ path: String, isOld: Bool = true) throws {
            try Data().write(to: URL(filePath: path))
            if isOld {
                try FileManager.default.setAttributes(
                    [.modificationDate: Date(timeIntervalSince1970: 0)], ofItemAtPath: path)
            }
        }
        let others = [".foreign.tmp", ".\(id)", ".x_\(id).tmp", "\(id).tmp", ".\(UUID().uuidString).tmp"]
        for folder in [bench.folder.path, results] {
            try lay("\(folder)/.\(id).tmp")
            try lay("\(folder)/.12_\(id).tmp")
            for other in others { try lay("\(folder)/\(other)", isOld: other != others.last) }
        }
        try await bench.consume().close()
        let store = CeleryFileResults(folder: results, eventLoopGroup: .singletonMultiThreadedEventLoopGroup)
        try await store.store([ResultRecord(taskID: "1", state: .success, payload: Array("{}".utf8))])
        await store.close()
        for folder in [bench.folder.path, results] {
            let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter {
                $0.contains(".tmp") || $0.hasPrefix(".\(id)")
            }
            #expect(Set(names) == Set(others))
        }
    }
}
