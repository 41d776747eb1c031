import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import CeleryWire
import Testing

@testable import CeleryDialect

/// What `task_allow_error_cb_on_chord_header` does to the messages of a chord's header.
@Suite("Error callbacks of chords") struct ChordErrorSettingTests {
    private static let add = TaskDefinition<Int, Int, Int>("tasks.add")
    private static let sum = TaskDefinition<[Int], Int>("tasks.sum")
    private static let failed = TaskDefinition<String, Void>("tasks.failed")

    @Test("go to the tasks of the header if the setting says so", arguments: [true, false])
    func header(isSet: Bool) async throws {
        let settings = try CelerySettings(yaml: Array("task_allow_error_cb_on_chord_header: \(isSet)".utf8))
        let celery = TestCelery(configuration: settings.configuration)
        let workflow = chord([Self.add(1, 1), Self.add(2, 2)], body: Self.sum).onFailure(Self.failed)
        _ = try await celery.app.send(workflow)
        let sent = celery.sent.compactMap(\.celeryMessage).filter { $0.task == "tasks.add" }
        #expect(sent.count == 2)
        for message in sent {
            let names = (message.embed.errbacks?.arrayValue ?? []).map { $0["task"]?.stringValue }
            #expect(names == (isSet ? ["tasks.failed"] : []))
            let body = message.embed.chord?["options"]?["link_error"]?.arrayValue ?? []
            #expect(body.map { $0["task"]?.stringValue } == ["tasks.failed"])
        }
        await celery.app.close()
    }
}
