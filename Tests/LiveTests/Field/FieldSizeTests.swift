import Celeriac
import CeleriacTestKit
import CeleriacWire
import Testing

/// Tests messages as large as the limits allow, and larger.
@Suite("Field: sizes", .serialized, .field)
struct FieldSizeTests {
    @Test(
        "An argument of 60 MB runs, and one of 70 MB fails with the limit", .timeLimit(.minutes(5)),
        arguments: MatrixTransport.available.filter { $0 != .rabbitRPC })
    fileprivate func large(_ transport: MatrixTransport) async throws {
        let site = try await MatrixSite(transport)
        let count = TaskDefinition<String, Int>("tasks.count")
        try await withRunning(site.app.worker(concurrency: 4) { count.handler { $0.utf8.count } }) {
            let sent = try await site.app.send(count(String(repeating: "x", count: 60 << 20)))
            #expect(try await sent.get(timeout: .seconds(120)) == 60 << 20)
            let driver = try await site.python.startDriver()
            let body = "[[\"\(String(repeating: "x", count: 70 << 20))\"], {}, {}]"
            _ = try await driver.ask(
                "publish",
                ["headers": ["task": "tasks.count", "id": "large"], "body": .string(body), "queue": "celery"])
            let error = await #expect(throws: RemoteTaskError.self) {
                try await site.app.result("large", as: WireValue.self).get(timeout: .seconds(120))
            }
            // It is that of bodies, or that of envelopes, where a body takes a third more.
            #expect(error?.message?.contains(" bytes; the limit is ") == true, "\(error?.message ?? "")")
            await driver.stop()
        }
        await site.close()
    }
}
