import ArgumentParser
import CeleriacTestKit
import CeleriacWire
import Foundation
import Testing

@testable import CeleriacCommand

@Suite("celeriac purge", .timeLimit(.minutes(5))) struct PurgeCommandTests {
    @Test("says what it did in Celery's words")
    func words() {
        #expect(PurgeCommand.line(0, queueCount: 1, isDryRun: false) == "No messages purged from 1 queue.")
        #expect(PurgeCommand.line(0, queueCount: 2, isDryRun: false) == "No messages purged from 2 queues.")
        #expect(PurgeCommand.line(1, queueCount: 1, isDryRun: false) == "Purged 1 message from 1 known task queue.")
        #expect(PurgeCommand.line(3, queueCount: 2, isDryRun: false) == "Purged 3 messages from 2 known task queues.")
        #expect(PurgeCommand.line(0, queueCount: 1, isDryRun: true) == "0 messages would be purged from 1 queue.")
    }

    @Test("is about the queues that are named, or those of the settings")
    func choice() throws {
        func names(_ arguments: String...) throws -> [String] {
            try QueueChoice.parse(arguments).names(else: ["celery", "mail"])
        }
        let known = try names()
        #expect(known == ["celery", "mail"])
        let named = try names("-Q", "b,a", "--queues", "a, c")
        #expect(named == ["b", "a", "c"])
        let left = try names("-X", "celery")
        #expect(left == ["mail"])
        #expect(throws: ValidationError.self) { try names("-X", "celery,mail") }
    }

    @Test("asks, counts and deletes, in a folder")
    func folder() async throws {
        let folder = try TemporaryFolder("purge")
        defer { folder.remove() }
        let url = "filesystem://" + folder.path
        func purge(_ arguments: String..., input: String = "") async throws -> CommandRun {
            try await CommandRun(["purge", "-b", url] + arguments, input: Array(input.utf8))
        }
        for queue in ["celery", "celery", "mail"] {
            let sent = try await CommandRun(["call", "t", "--queue", queue, "-b", url])
            #expect(sent.status == .exited(0), "\(sent.errors)")
        }
        for answer in ["", "n\n", "perhaps\n"] {
            let refused = try await purge(input: answer)
            #expect(refused.status == .exited(1) && refused.errors.contains("every message that waits in celery."))
            #expect(refused.output.isEmpty && refused.errors.hasSuffix("Aborted!\n"))
        }
        let dry = try await purge("-Q", "celery,mail", "--dry-run", "--json")
        let counted = try WireJSON.decode(Array(dry.output.utf8))
        #expect(counted["count"] == 3 && counted["dry_run"] == true)
        #expect(counted["queues"] == [["name": "celery", "count": 2], ["name": "mail", "count": 1]])
        let purged = try await purge(input: "y\n")
        #expect(purged.output == "Purged 2 messages from 1 known task queue.\n")
        let rest = try await purge("-f", "-Q", "celery,mail")
        #expect(rest.output == "Purged 1 message from 2 known task queues.\n" && rest.errors.isEmpty)
    }

    #if Redis
    @Test("prints what Celery's prints")
    func comparison() async throws {
        let url = try await SharedServers.shared.redisDatabaseURL()
        let python = PythonPeer(broker: url)
        func send() async throws {
            for _ in 0..<2 { _ = try await CommandRun(["call", "t", "-b", url]) }
        }
        try await send()
        let ours = try await CommandRun(["purge", "-f", "-b", url])
        try await send()
        let celerys = try await python.celery(["purge", "-f"])
        #expect(ours.output == celerys.output && celerys.status == .exited(0), "\(celerys.errors)")
        let none = try await CommandRun(["purge", "-f", "-b", url, "-Q", "a,b"])
        let celerysNone = try await python.celery(["purge", "-f", "-Q", "a,b"])
        #expect(none.output == celerysNone.output)
    }
    #endif
}
