import Celeriac
import Foundation
import Hummingbird
import WebProgress

/// Serves the page at http://127.0.0.1:8080 (`PORT`), and the task behind it in the same process.
///
/// Without `CELERY_BROKER_URL` and `CELERY_RESULT_BACKEND` the tasks stay in this process. With them they go to a broker,
/// where other workers, in Swift or Python, may serve them too.
@main enum WebProgressServer {
    static func main() async {
        do {
            try await serve()
        } catch {
            // What leaves `main` would end the process as a crash.
            try? FileHandle.standardError.write(contentsOf: Data("Error: \(error)\n".utf8))
            exit(1)
        }
    }

    private static func serve() async throws {
        let environment = ProcessInfo.processInfo.environment
        let celery = try CeleryApp(
            broker: environment["CELERY_BROKER_URL"] ?? "memory://",
            results: environment["CELERY_RESULT_BACKEND"] ?? "memory://")
        let port = environment["PORT"].flatMap { Int($0) } ?? 8080
        let application = Application(
            router: Reports.router(celery),
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: port)),
            services: [celery.worker { Reports.handler() }])
        try await application.runService()
        await celery.close()
    }
}
