import ArgumentParser
import Celeriac

/// `celeriac result`: shows a task's stored state and result.
struct ResultCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "result",
        abstract: "Show the state and the result of a task.",
        discussion: """
            Prints the state, and the result as JSON. Exit status 1 means that the task failed, 2 that its result \
            cannot be read, 64 that the command line is wrong.
            """)

    @Argument(help: "The task's id.")
    var id: String

    @Option(
        help: "The result store's URL: redis:// or file://. Default: CELERY_RESULT_BACKEND.")
    var resultBackend: String?

    @Flag(help: "Print one JSON object, in ASCII.")
    var json = false

    func validate() throws { _ = try url() }

    func run() async throws {
        let url = try url()
        let status = await ResultPrinter(json: json).report {
            guard !url.lowercased().hasPrefix("rpc:") else {
                throw CeleriacError(
                    .configuration,
                    "Results over rpc:// reach only the process that sent the task: use celeriac call --wait")
            }
            let app = try CeleryApp(
                broker: "memory://", results: url, configuration: try ConnectionOptions.configuration())
            return try await closing(app.close) {
                guard let stored = try await app.result(id, as: WireValue.self).stored() else { return .pending(id) }
                if var error = stored.error {
                    // The key says whose result it is, where the result itself does not.
                    error.taskID = id
                    throw error
                }
                return .state(id: id, stored.state, stored.value)
            }
        }
        if status != 0 { throw ExitCode(status) }
    }

    private func url() throws -> String {
        guard let url = resultBackend ?? CommandEnvironment()["CELERY_RESULT_BACKEND"] else {
            throw ValidationError(
                "Specify the result store: --result-backend URL, or CELERY_RESULT_BACKEND in the environment.")
        }
        return url
    }
}
