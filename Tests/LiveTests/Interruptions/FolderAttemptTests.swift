import Celeriac
import CeleriacTestKit
import Foundation
import Testing

/// Tests that in a folder, too, a task that kills its process is parked alone.
@Suite("Attempts in a folder", .serialized, .timeLimit(.minutes(5)))
struct FolderAttemptTests {
    private static let die = TaskDefinition<String, String, String, String>("tasks.die")
    private static let last = TaskDefinition<String, String, Double, String>("tasks.last")

    @Test("A task that kills its process is parked alone, and its caller is told")
    func poison() async throws {
        let site = try await ParkingSite(.celeryFolder)
        let path = site.folder.path + "/recorded"
        let texts = (1...6).map { "\($0)" }
        // They all begin beside it.
        try await site.sender.send(
            texts.map { Self.last(path, $0, 1) }, options: SendOptions(ignoresResult: true))
        let poison = try await site.sender.send(Self.die(path, "poison", ""))
        func parked() async throws -> [String] {
            try await site.sender.parkedMessages(in: "celery").map(\.reason)
        }
        try await expectDeaths(recordedAt: path, beside: texts) {
            try LiveWorkerProcess.launch(
                dialect: "celery", broker: site.broker, results: "file://\(site.folder.path)/results",
                folder: site.folder, concurrency: 8)
        } isParked: {
            try await parked().count == 1
        }
        #expect(try await parked() == ["tooManyAttempts"])
        #expect(try await poison.status() == .failure)
        let left = try FileManager.default.contentsOfDirectory(atPath: site.folder.path + "/queues")
        #expect(left.filter { $0.hasSuffix(".msg") }.isEmpty)
        await site.close()
    }
}
