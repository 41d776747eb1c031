import CeleriacBridge
import CeleriacCore
import CeleriacTestKit
import Foundation
import Logging
import TestSupport
import Testing

/// The file of a bridge that changes.
@Suite struct BridgeReloaderTests {
    private static func yaml(_ routes: String) -> String {
        """
        ends:
          outside: {dialect: celery, broker: "memory://", queue: outside}
          other: {dialect: celery, broker: "memory://", queue: other}
          inside: {dialect: celery, broker: "memory://"}
        routes: [\(routes)]
        """
    }
    private static let first = "{name: a, from: outside, to: inside}"
    private static let second = "{name: b, from: other, to: inside}"

    private let folder: TemporaryFolder
    private let log = LogRecorder()
    private let path: String

    init() throws {
        folder = try TemporaryFolder("bridge")
        path = folder.path + "/bridge.yaml"
    }

    private func write(_ text: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
    }

    private func opened(_ text: String) throws -> (bridge: Bridge, reloader: BridgeReloader) {
        try write(text)
        let bytes = Array(text.utf8)
        let bridge = try Bridge(yaml: bytes, environment: [:], logger: log.logger)
        return (
            bridge, BridgeReloader(bridge, path: path, bytes: bytes, environment: [:], logger: log.logger)
        )
    }

    @Test func changedFileChangesRoutesOneByOne() throws {
        defer { folder.remove() }
        let (bridge, reloader) = try opened(Self.yaml(Self.first))
        #expect(reloader.look() == nil)
        try write(Self.yaml("\(Self.first), \(Self.second)"))
        #expect(reloader.look() == BridgeChange(kept: ["a"], opened: ["b"]))
        #expect(bridge.names == ["a", "b"])
        #expect(reloader.look() == nil)
        // SIGHUP reads it in any case.
        #expect(reloader.reload() == BridgeChange(kept: ["a", "b"]))
        try write(Self.yaml("{name: a, from: outside, to: inside, in_flight: 7}"))
        #expect(reloader.look() == BridgeChange(opened: ["a"], closed: ["b"]))
        #expect(bridge.names == ["a"])
    }

    @Test func sideThatHasChangedOpensItsRoutesAnew() throws {
        defer { folder.remove() }
        let text = Self.yaml("\(Self.first), \(Self.second)")
        let (_, reloader) = try opened(text)
        try write(text.replacingOccurrences(of: "queue: other", with: "queue: another"))
        #expect(reloader.look() == BridgeChange(kept: ["a"], opened: ["b"]))
    }

    @Test(arguments: ["routes: [", "ends: {}\nroutes: []", ""])
    func fileThatCannotBeUsedChangesNothing(_ bad: String) throws {
        defer { folder.remove() }
        let (bridge, reloader) = try opened(Self.yaml(Self.first))
        try write(bad)
        #expect(reloader.look() == nil)
        #expect(bridge.names == ["a"])
        let told = log.lines(at: .error)
        #expect(told.count == 1)
        #expect(told.first?.metadata["reason"]?.isEmpty == false)
        // It is told of once, and again on SIGHUP.
        #expect(reloader.look() == nil)
        #expect(log.lines(at: .error).count == 1)
        #expect(reloader.reload() == nil)
        #expect(log.lines(at: .error).count == 2)
        try write(Self.yaml(Self.second))
        #expect(reloader.look() == BridgeChange(opened: ["b"], closed: ["a"]))
    }

    @Test func fileThatIsGoneChangesNothing() throws {
        let (bridge, reloader) = try opened(Self.yaml(Self.first))
        folder.remove()
        #expect(reloader.look() == nil)
        #expect(reloader.reload() == nil)
        #expect(bridge.names == ["a"])
    }
}
