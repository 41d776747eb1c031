import Celeriac
import CeleriacCore
import CeleriacTestKit
import Foundation
import Logging
import Testing

@testable import CeleriacCommand

@Suite("File of revoked tasks", .timeLimit(.minutes(5))) struct RevokedStateTests {
    private func state(in folder: TemporaryFolder) -> RevokedState {
        RevokedState(path: folder.path + "/w1.state", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    @Test("what a worker knows when it ends, the next one knows from its beginning")
    func kept() async throws {
        let folder = try TemporaryFolder("revoked")
        defer { folder.remove() }
        let state = state(in: folder)
        #expect(try await state.load() == [])
        let app = try CeleryApp(broker: "memory://", results: "memory://")
        var configuration = WorkerConfiguration(queues: ["celery"])
        configuration.initialRevocations = ["a", "b"]
        configuration.parts.append(state)
        let task = TaskDefinition<Int>("tasks.one")
        try await withRunning(app.worker(configuration) { task.handler { 1 } }) {
            let value = try await app.send(task()).get()
            #expect(value == 1)
        }
        #expect(try await state.load() == ["a", "b"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["w1.state"])
        await app.close()
    }

    @Test(
        "a file of Python's, or of a later version, is refused and stays",
        arguments: ["'__proto__', (0, 5)\n'zrevoked', (512, 78)\n", #"{"version": 2, "revoked": []}"#, "[]", ""])
    func refused(_ content: String) async throws {
        let folder = try TemporaryFolder("revoked")
        defer { folder.remove() }
        let state = state(in: folder)
        _ = FileManager.default.createFile(atPath: state.path, contents: Data(content.utf8))
        let error = await #expect(throws: CeleriacError.self) { try await state.load() }
        #expect(error?.code == .configuration)
        #expect(FileManager.default.contents(atPath: state.path) == Data(content.utf8))
    }
}
