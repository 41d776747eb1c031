import Celeriac
import Foundation
import Hummingbird
import HummingbirdTesting
import Testing

@testable import WebProgress

@Suite("A page that follows a report", .timeLimit(.minutes(2)))
struct WebProgressTests {
    @Test("a report is asked for, and its stream ends when it is done")
    func stream() async throws {
        let celery = try CeleryApp(broker: "memory://", results: "memory://")
        let application = Application(
            router: Reports.router(celery),
            services: [celery.worker { Reports.handler(pause: .milliseconds(10)) }])
        try await application.test(.router) { client in
            let started = try await client.execute(uri: "/reports", method: .post)
            let answer = try JSONDecoder().decode([String: String].self, from: Data(started.body.readableBytesView))
            let id = try #require(answer["id"])
            let events = try await client.execute(uri: "/reports/\(id)/events", method: .get)
            #expect(events.headers[.contentType] == "text/event-stream")
            #expect(String(buffer: events.body).hasSuffix("event: done\ndata: report-12.pdf\n\n"))
        }
        await celery.close()
    }

    @Test("an id that is none is refused, and the page is there")
    func requests() async throws {
        let celery = try CeleryApp(broker: "memory://", results: "memory://")
        try await Application(router: Reports.router(celery)).test(.router) { client in
            #expect(try await client.execute(uri: "/reports/none/events", method: .get).status == .badRequest)
            let page = try await client.execute(uri: "/", method: .get)
            #expect(page.status == .ok && String(buffer: page.body).contains("EventSource"))
        }
        await celery.close()
    }

    @Test("each line of an event's data is a line of its own")
    func lines() {
        #expect(ServerSentEvent(name: "a", data: "b\nc").text == "event: a\ndata: b\ndata: c\n\n")
        #expect(ServerSentEvent(.pending).text == "event: waiting\ndata: \n\n")
    }
}
