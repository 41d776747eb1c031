import Celeriac
import CeleriacTestKit
import CeleriacWire
import Foundation
import Testing

/// Tasks that go through exchanges in folders, beside a Python worker and client with the same settings.
@Suite("Routed tasks in folders")
struct FilesystemRoutingTests {
    @Test(
        "Topic and fanout exchanges lead tasks either way, by the tables of bindings that both write",
        .timeLimit(.minutes(5)))
    func exchanges() async throws {
        let folder = try TemporaryFolder("routes")
        let yaml = Array(
            """
            task_queues:
              - {name: celery, exchange: {name: celery}, routing_key: celery}
              - {name: video, exchange: {name: media, type: topic}, routing_key: "video.#"}
              - {name: image, exchange: {name: media, type: topic}, routing_key: "*.image"}
              - {name: first, exchange: {name: all, type: fanout}}
              - {name: second, exchange: {name: all, type: fanout}}
            """.utf8)
        let given = try #require(try WireYAML.decode(yaml).objectValue)
        let python = try PythonPeer(
            messages: folder.path, control: folder.path + "/control", results: folder.path + "/results",
            processed: folder.path + "/processed", settings: Dictionary(given.map { ($0, $1) }) { $1 })
        var configuration = try CelerySettings(yaml: yaml).configuration
        configuration.filesystem = CeleryFilesystemOptions(folder: folder.path)
        configuration.filesystem?.controlFolder = folder.path + "/control"
        let app = try CeleryApp(
            broker: "filesystem://", results: "file://" + folder.path + "/results", configuration: configuration)
        let driver = try await python.startDriver()
        let add = TaskDefinition<Int, Int, Int>("tasks.add")

        let worker = app.worker(queues: ["video", "first", "second"]) {
            add.handler { first, second in first + second }
        }
        try await withRunning(worker) {
            let id = try await driver.send(
                "tasks.add", [1, 2], options: ["queue": "video", "routing_key": "video.cut"])
            #expect(try await driver.get(id) == .success(3))
        }
        let other = try await python.startWorker(queues: ["image"])
        let keyed = SendOptions(exchange: "media", routingKey: "small.image")
        #expect(try await app.send(add(2, 3).with(keyed)).get(timeout: .seconds(60)) == 5)
        await other.stop()
        // Each queue of the fanout exchange gets one.
        _ = try await app.send(add(1, 1).with(SendOptions(queue: "first")))
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        for queue in ["first", "second"] { #expect(files.count { $0.hasSuffix(".\(queue).msg") } == 1, "\(queue)") }
        let nowhere = SendOptions(exchange: "media", routingKey: "nobody")
        await #expect(throws: CeleriacError.self) { try await app.send(add(1, 2).with(nowhere)) }
        await driver.stop()
        await app.close()
        folder.remove()
    }
}
