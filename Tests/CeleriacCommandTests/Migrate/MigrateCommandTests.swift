import CeleriacTestKit
import CeleriacWire
import Foundation
import Testing

@testable import CeleriacCommand

@Suite("celeriac migrate", .timeLimit(.minutes(5))) struct MigrateCommandTests {
    @Test("counts, moves and tells, from a folder to a folder and back")
    func folders() async throws {
        let folder = try TemporaryFolder("migrate")
        defer { folder.remove() }
        let (first, second) = ("filesystem://\(folder.path)/a", "filesystem://\(folder.path)/b")
        for queue in ["celery", "celery", "mail"] {
            let sent = try await CommandRun(["call", "t", "--queue", queue, "-b", first])
            #expect(sent.status == .exited(0), "\(sent.errors)")
        }
        func migrate(_ source: String, _ target: String, _ arguments: String...) async throws -> CommandRun {
            try await CommandRun(
                ["migrate", "-b", source, "--to", target, "-Q", "celery,mail", "--quiet", "0.1"] + arguments,
                in: folder.path)
        }
        func read(_ run: CommandRun) throws -> WireValue { try WireJSON.decode(Array(run.output.utf8)) }

        let dry = try await migrate(first, second, "--dry-run", "--json")
        #expect(dry.status == .exited(0), "\(dry.errors)")
        let counted = try read(dry)
        #expect(counted["dry_run"] == true && counted["moved"] == 0)
        #expect(counted["queues"]?[0]?["source_before"] == 2 && counted["queues"]?[1]?["source_before"] == 1)

        let limited = try await migrate(first, second, "--limit", "1", "--json")
        #expect(limited.status == .exited(1), "\(limited.errors)")
        #expect(try read(limited)["moved"] == 1)
        let moved = try await migrate(first, second, "--json")
        #expect(moved.status == .exited(0), "\(moved.errors)")
        let told = try read(moved)
        #expect(told["moved"] == 2 && told["left"] == 0 && told["arrived"] == 0 && told["complete"] == true)
        #expect(told["queues"]?[0]?["source_after"] == 0 && told["queues"]?[0]?["target_after"] == 2)
        #expect(told["queues"]?[1]?["target_after"] == 1)

        let back = try await migrate(second, first)
        #expect(back.status == .exited(0) && back.output.hasPrefix("QUEUE "), "\(back.errors)")
        let again = try read(await migrate(first, second, "--dry-run", "--json"))
        #expect(again["queues"]?[0]?["source_before"] == 2 && again["queues"]?[0]?["target_before"] == 0)
        // What ended in good order leaves no journal.
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(!files.contains { $0.contains("journal") }, "\(files)")
    }

    @Test("refuses what cannot be meant, and says which broker does not answer")
    func refusals() async throws {
        let folder = try TemporaryFolder("migrate")
        defer { folder.remove() }
        let url = "filesystem://\(folder.path)/a"
        for arguments in [
            ["--to", url], ["--to", url + "b", "--batch", "0"], ["--to", url + "b", "--rate", "0"],
            ["--to", url + "b", "--limit", "0"], [],
        ] {
            let run = try await CommandRun(["migrate", "-b", url] + arguments, in: folder.path)
            #expect(run.status == .exited(64), "\(arguments): \(run.errors)")
        }
        #if Redis
        let run = try await CommandRun(["migrate", "-b", url, "--to", "redis://127.0.0.1:1/0"], in: folder.path)
        #expect(run.status == .exited(69) && run.errors.contains("127.0.0.1:1"), "\(run.errors)")
        #endif
    }
}
