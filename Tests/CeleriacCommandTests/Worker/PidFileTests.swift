import CeleriacTestKit
import Foundation
import NIOConcurrencyHelpers
import Testing

@testable import CeleriacCommand

@Suite("Pidfile") struct PidFileTests {
    private struct Site {
        let folder: TemporaryFolder
        let said = NIOLockedValueBox<[String]>([])
        var path: String { folder.path + "/worker.pid" }
        var content: String? { FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } }

        init() throws { folder = try TemporaryFolder("pidfile") }

        func write(_ text: String) { _ = FileManager.default.createFile(atPath: path, contents: Data(text.utf8)) }

        func acquire() throws -> PidFile {
            try PidFile(acquiring: path) { line in said.withLockedValue { $0.append(line) } }
        }
    }

    @Test("has this process's number while it is held, and nothing else is left")
    func held() throws {
        let site = try Site()
        defer { site.folder.remove() }
        let file = try site.acquire()
        #expect(site.content == "\(getpid())\n")
        #expect(try FileManager.default.contentsOfDirectory(atPath: site.folder.path) == ["worker.pid"])
        file.release()
        #expect(site.content == nil && site.said.withLockedValue { $0 }.isEmpty)
        file.release()
    }

    @Test("of a living process is left alone, also if that belongs to somebody else")
    func living() async throws {
        let site = try Site()
        defer { site.folder.remove() }
        let child = try ChildProcess("/bin/sleep", ["1000"])
        for pid in [child.pid, 1] {
            site.write("\(pid)\n")
            let refusal = #expect(throws: PidFile.Refusal.self) { try site.acquire() }
            #expect(refusal?.description.contains("\(pid)") == true && site.content == "\(pid)\n")
        }
        await child.kill()
        site.write("\(child.pid)\n")
        let file = try site.acquire()
        #expect(site.content == "\(getpid())\n" && site.said.withLockedValue { $0 }.first?.contains("stale") == true)
        file.release()
    }

    @Test(
        "without a number, or with this process's own from an earlier life, is replaced",
        arguments: ["", "x\n", "-5\n"])
    func broken(_ content: String) throws {
        let site = try Site()
        defer { site.folder.remove() }
        site.write(content)
        let file = try site.acquire()
        #expect(site.said.withLockedValue { $0 }.first?.contains("broken") == true)
        file.release()
        site.write("\(getpid())\n")
        try site.acquire().release()
        #expect(site.content == nil)
    }

    @Test("that somebody else has taken over is not removed")
    func takenOver() throws {
        let site = try Site()
        defer { site.folder.remove() }
        let file = try site.acquire()
        site.write("1\n")
        file.release()
        #expect(site.content == "1\n")
        #expect(throws: PidFile.Refusal.self) { try PidFile(acquiring: site.folder.path + "/missing/x.pid") }
    }
}
