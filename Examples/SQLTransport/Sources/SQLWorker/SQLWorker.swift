import Celeriac
import Foundation
import SQLTransport

/// A worker whose settings are environment variables: `CELERY_BROKER_URL=sqla+sqlite:////folder/file SQLWorker`.
@main struct SQLWorker {
    static func main() async {
        do {
            try await work()
        } catch {
            // What leaves `main` would end the process as a crash.
            try? FileHandle.standardError.write(contentsOf: Data("Error: \(error)\n".utf8))
            exit(1)
        }
    }

    private static func work() async throws {
        let settings = try CelerySettings(environment: ProcessInfo.processInfo.environment)
        let app = try CeleryApp(settings: settings, transports: [.sql])
        try await app.worker(settings.worker) {
            TaskDefinition<Double, Void>("tasks.sleep").handler { try await Task.sleep(for: .seconds($0)) }
        }.launch()
        await app.close()
    }
}
