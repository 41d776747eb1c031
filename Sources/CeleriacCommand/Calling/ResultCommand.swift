import ArgumentParser
import Celeriac

/// `celeriac result`: shows what is stored for a task.
struct ResultCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "result",
        abstract: "Show the state and the result of a task.",
        discussion: "Exit status 1 says that the task failed, 2 that its result cannot be read.")

    @Argument(help: "The task's id.")
    var id: String

    @Option(
        help: "The result store's URL: redis:// or file://. Default: CELERY_RESULT_BACKEND.")
    var resultBackend: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() async throws {
        guard let url = resultBackend ?? CommandEnvironment()["CELERY_RESULT_BACKEND"] else {
            throw ValidationError(
                "Name the result store: --result-backend URL, or CELERY_RESULT_BACKEND in the environment.")
        }
        let app = try CeleryApp(broker: "memory://", results: url)
        let status = await ResultPrinter(json: json).report {
            guard let stored = try await app.result(id, as: WireValue.self).stored() else { return .pending(id) }
            if let error = stored.error { throw error }
            return .state(id: id, stored.state, stored.value)
        }
        await app.close()
        if status != 0 { throw ExitCode(status) }
    }
}
