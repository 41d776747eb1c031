import CeleriacCore
import CeleriacTestKit
import CeleryDialect
import Foundation
import TestSupport
import Testing

/// The folder of messages is away for a while, as a server of folders is. Root reads whatever the rights say, so that the
/// tests rename it.
@Suite("A folder that is away", .timeLimit(.minutes(5)))
struct FolderOutageTests {
    private static let isAway = "cannot read the folder of messages, trying again"
    private static let isBack = "the folder of messages can be read again"

    @Test("is waited for, and its next message is taken")
    func comesBack() async throws {
        let log = LogRecorder()
        let bench = try FilesystemBench(logger: log.logger)
        defer { bench.folder.remove() }
        try await bench.publish("1")
        let consumer = try await bench.consume()
        let first = try await consumer.next(atMost: 10)
        #expect(first.count == 1)
        let aside = bench.folder.path + ".aside"
        try FileManager.default.moveItem(atPath: bench.folder.path, toPath: aside)
        async let taken = consumer.next(atMost: 10)
        await until { log.count(Self.isAway) > 0 }
        try FileManager.default.moveItem(atPath: aside, toPath: bench.folder.path)
        await until { log.count(Self.isBack) > 0 }
        try await bench.publish("2")
        let second = try await taken
        #expect(second.count == 1)
        #expect(log.count(Self.isAway) == 1 && log.count(Self.isBack) == 1)
        try await consumer.settle((first + second).map { Settlement($0.receipt, .acknowledge) })
        try await consumer.close()
        #expect(try bench.names() == [])
    }

    @Test("holds up no stop")
    func stop() async throws {
        let log = LogRecorder()
        let bench = try FilesystemBench(logger: log.logger)
        defer { bench.folder.remove() }
        let consumer = try await bench.consume()
        let aside = bench.folder.path + ".aside"
        try FileManager.default.moveItem(atPath: bench.folder.path, toPath: aside)
        async let taken = consumer.next(atMost: 10)
        await until { log.count(Self.isAway) > 0 }
        await consumer.stop()
        let deliveries = try await taken
        #expect(deliveries.isEmpty)
        try FileManager.default.moveItem(atPath: aside, toPath: bench.folder.path)
        try await consumer.close()
    }
}
