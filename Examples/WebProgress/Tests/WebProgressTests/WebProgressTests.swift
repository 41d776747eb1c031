import Celeriac
import Foundation
import Hummingbird
import HummingbirdTesting
import Testing

@testable import WebProgress

@Suite("A page that follows a report", .timeLimit(.minutes(2)))
struct WebProgressTests {
    @Test("a report is asked for, and its stream has each step, and ends when the report is done")
    func stream() async throws {
        let celery = try CeleryApp(broker: "memory://", results: "memory://")
        let (shown, show) = AsyncStream<Int>.makeStream()
        // The next page is written when the stream has shown the one before, so that no step is too quick for it.
        let handler = Reports.handler { page in
            guard page > 1 else { return }
            for await done in shown where done >= page - 1 { break }
        }
        let responder = Reports.router(celery).buildResponder()
        let watched = CallbackResponder<BasicRequestContext> { request, context in
            var response = try await responder.respond(to: request, context: context)
            guard response.headers[.contentType] == "text/event-stream" else { return response }
            response.body = response.body.map { buffer in
                for done in Self.steps(String(buffer: buffer)) { show.yield(done) }
                return buffer
            }
            return response
        }
        let application = Application(responder: watched, services: [celery.worker { handler }])
        try await application.test(.router) { client in
            let started = try await client.execute(uri: "/reports", method: .post)
            let answer = try JSONDecoder().decode([String: String].self, from: Data(started.body.readableBytesView))
            let id = try #require(answer["id"])
            let events = try await client.execute(uri: "/reports/\(id)/events", method: .get)
            #expect(events.headers[.contentType] == "text/event-stream")
            let text = String(buffer: events.body)
            // The last step may give way to the result.
            #expect(Array(Self.steps(text).prefix(11)) == Array(1...11), "\(text)")
            #expect(text.contains("event: progress\ndata: {\"done\": 1, \"total\": 12}\n\n"), "\(text)")
            #expect(text.hasSuffix("event: done\ndata: report-12.pdf\n\n"), "\(text)")
        }
        await celery.close()
    }

    /// The pages that the steps in a stream are at.
    private static func steps(_ text: String) -> [Int] {
        text.matches(of: /"done": (\d+)/).compactMap { Int($0.1) }
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
