import CeleriacCore
import CeleriacTestKit
import CeleryDialect
import Foundation
import TestSupport
import Testing

@Suite("Settling message files", .timeLimit(.minutes(5)))
struct FileSettlementTests {
    @Test("parks a message whose file has the longest name")
    func longName() async throws {
        let bench = try FilesystemBench()
        defer { bench.folder.remove() }
        let name = "1_" + String(repeating: "x", count: 255 - 2 - ".celery.msg".count) + ".celery.msg"
        try Data("no message".utf8).write(to: URL(filePath: bench.path(name)))
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 0)], ofItemAtPath: bench.path(name))
        let consumer = try await bench.consume()
        let deliveries = try await consumer.next(atMost: 1)
        try await consumer.settle(
            deliveries.map { Settlement($0.receipt, .park(MessageFault(reason: "test", detail: ""))) })
        let parked = try bench.names(in: "celery.parked")
        #expect(parked.count == 1)
        #expect(parked.first?.hasPrefix("1_xxx") == true && parked.first?.hasSuffix(".json") == true)
        try await consumer.close()
        #expect(try bench.names() == ["celery.parked"])
    }

    @Test("operators who put the same messages back at the same time put back each once")
    func operators() async throws {
        let bench = try FilesystemBench()
        defer { bench.folder.remove() }
        for _ in 0..<40 { try await bench.publish() }
        let consumer = try await bench.consume()
        var deliveries: [Delivery] = []
        while deliveries.count < 40 { deliveries += try await consumer.next(atMost: 40) }
        try await consumer.settle(
            deliveries.map { Settlement($0.receipt, .park(MessageFault(reason: "test", detail: ""))) })
        try await consumer.close()
        let broker = bench.broker
        let ids = try await broker.parkedMessages(in: "celery", after: nil, limit: 100).map(\.id)
        #expect(ids.count == 40)
        let counts = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<8 { group.addTask { try await broker.requeueParked(ids, in: "celery") } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        // One whom another holds up leaves the message to that one.
        #expect(counts.reduce(0, +) == 40)
        #expect(try bench.names().filter { $0.hasSuffix(".msg") }.count == 40)
        #expect(try bench.names(in: "celery.parked") == [])
    }

    @Test("whoever asks for a look waits until the worker has what was there")
    func catchUp() async throws {
        let bench = try FilesystemBench()
        defer { bench.folder.remove() }
        try await checkCatchUp(of: try await bench.consume()) { try await bench.publish() }
    }

    @Test("a failed settlement does not hold up the others, and is tried again at the end")
    func oneOfMany() async throws {
        let bench = try FilesystemBench()
        defer { bench.folder.remove() }
        for _ in 0..<3 { try await bench.publish() }
        let consumer = try await bench.consume()
        var deliveries: [Delivery] = []
        while deliveries.count < 3 { deliveries += try await consumer.next(atMost: 3) }
        // A file stands in the place of the folder for parked messages.
        try Data().write(to: URL(filePath: bench.path("celery.parked")))
        let fault = MessageFault(reason: "test", detail: "")
        let settlements = [
            Settlement(deliveries[0].receipt, .park(fault)), Settlement(deliveries[1].receipt, .acknowledge),
        ]
        await #expect(throws: CeleriacError.self) { try await consumer.settle(settlements) }
        try FileManager.default.removeItem(atPath: bench.path("celery.parked"))
        try await consumer.close()
        // The first is parked, the second is gone, and the third, which was not settled, is given back.
        #expect(try bench.names(in: "celery.parked").count == 1)
        #expect(try bench.names().count == 2)
        #expect(try FileManager.default.contentsOfDirectory(atPath: bench.path(".celeriac")) == [])
    }

    @Test("messages that cannot be settled at the end go to the next worker, because the lock is free")
    func leftOver() async throws {
        let bench = try FilesystemBench()
        defer { bench.folder.remove() }
        try await bench.publish()
        let consumer = try await bench.consume()
        let deliveries = try await consumer.next(atMost: 1)
        try Data().write(to: URL(filePath: bench.path("celery.parked")))
        let park = Settlement(deliveries[0].receipt, .park(MessageFault(reason: "test", detail: "")))
        await #expect(throws: CeleriacError.self) { try await consumer.settle([park]) }
        await #expect(throws: CeleriacError.self) { try await consumer.close() }
        let next = try await bench.consume()
        #expect(try await next.next(atMost: 1).count == 1)
        try await next.close()
    }
}
