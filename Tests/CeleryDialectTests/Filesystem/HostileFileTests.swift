import CeleriacCore
import CeleriacTestKit
import CeleryDialect
import Foundation
import Glibc
import Testing

/// Files in the folder that are not messages. The worker parks each one, and takes the messages next to it.
@Suite("Hostile files", .timeLimit(.minutes(5)))
struct HostileFileTests {
    enum Trap: String, CaseIterable {
        case folder, fullFolder, pipe, endlessLink, danglingLink

        func lay(at path: String) throws {
            switch self {
            case .folder: try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            case .fullFolder:
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
                try Data("x".utf8).write(to: URL(filePath: "\(path)/content"))
            case .pipe: #expect(mkfifo(path, 0o600) == 0)
            case .endlessLink:
                try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/dev/zero")
            case .danglingLink:
                try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/nowhere")
            }
        }
    }

    @Test("are parked unchanged, and the message behind them is taken", arguments: Trap.allCases)
    func trap(_ trap: Trap) async throws {
        let bench = try FilesystemBench()
        defer { bench.folder.remove() }
        try trap.lay(at: bench.path("1_x.celery.msg"))
        try await bench.publish()
        let consumer = try await bench.consume()
        var deliveries: [Delivery] = []
        while deliveries.count < 2 { deliveries += try await consumer.next(atMost: 10) }
        let faults = deliveries.compactMap { delivery -> (Receipt, MessageFault)? in
            guard case .failure(let fault) = delivery.content else { return nil }
            return (delivery.receipt, fault)
        }
        #expect(faults.map(\.1.reason) == ["unreadableFile"])
        let others = deliveries.map(\.receipt).filter { $0 != faults.first?.0 }
        try await consumer.settle(
            faults.map { Settlement($0.0, .park($0.1)) } + others.map { Settlement($0, .acknowledge) })
        #expect(try bench.names(in: "celery.parked") == ["1_x.celery.msg", "1_x.celery.msg.json"])
        try await consumer.close()
        #expect(try bench.names() == ["celery.parked"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: bench.path(".celeriac")) == [])
    }

    @Test("the wait for a file that is not a message and has a time in the future ends")
    func future() async throws {
        let bench = try FilesystemBench()
        defer { bench.folder.remove() }
        try layFromTheFuture(bench)
        let consumer = try await bench.consume()
        let deliveries = try await consumer.next(atMost: 10)
        guard case .failure(let fault)? = deliveries.first?.content else {
            Issue.record("it was read")
            return
        }
        #expect(fault.reason == "malformedEnvelope")
        try await consumer.close()
    }

    @Test("a stop does not wait for the rest of a message, which the next worker finds in place")
    func stopped() async throws {
        let bench = try FilesystemBench()
        defer { bench.folder.remove() }
        try layFromTheFuture(bench)
        let consumer = try await bench.consume()
        async let deliveries = consumer.next(atMost: 10)
        await until { ((try? bench.names()) ?? []).isEmpty }
        await consumer.stop()
        #expect(try await deliveries.isEmpty)
        try await consumer.close()
        #expect(try bench.names() == ["1_x.celery.msg"])
    }

    private func layFromTheFuture(_ bench: FilesystemBench) throws {
        let path = bench.path("1_x.celery.msg")
        try Data("{\"half".utf8).write(to: URL(filePath: path))
        try FileManager.default.setAttributes(
            [.modificationDate: Date().addingTimeInterval(86_400)], ofItemAtPath: path)
    }
}
