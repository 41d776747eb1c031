import Celeriac
import Foundation
import Hummingbird

extension Reports {
    /// The answer to a report that was asked for.
    struct Started: ResponseEncodable {
        /// The id of its task.
        var id: String
    }

    /// Makes the routes: the page, a report that is asked for, and the stream of its steps.
    ///
    /// - Parameter celery: sends the tasks and reads what is stored of them.
    /// - Returns: the routes, for an application.
    public static func router(_ celery: CeleryApp) -> Router<BasicRequestContext> {
        let router = Router()
        router.get("/") { _, _ -> Response in
            Response(
                status: .ok, headers: [.contentType: "text/html; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: page)))
        }
        router.post("/reports") { _, _ -> Started in
            Started(id: try await celery.send(build(12), expiresAfter: .seconds(600)).id)
        }
        router.get("/reports/:id/events") { _, context -> Response in
            let id = try context.parameters.require("id")
            // Ids come from outside and become a part of keys in the store.
            guard UUID(uuidString: id) != nil else { throw HTTPError(.badRequest) }
            return Response(
                status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
                body: .events(of: celery.result(id, as: String.self)))
        }
        return router
    }
}
