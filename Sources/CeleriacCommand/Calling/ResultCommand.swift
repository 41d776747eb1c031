import ArgumentParser
import Celeriac
import Logging

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

    @OptionGroup var settings: SettingsOptions

    @OptionGroup var printing: OutputOptions

    func validate() throws { _ = try url() }

    func run() async throws {
        let url = try url()
        let status = await ResultPrinter(output: printing.output).report {
            guard !url.lowercased().hasPrefix("rpc:") else {
                throw CeleriacError(
                    .configuration,
                    "Results over rpc:// reach only the process that sent the task: use celeriac call --wait")
            }
            var settings = try settings.read()
            // Nothing is sent, and a result store of its own needs no broker.
            settings.broker = "memory://"
            let app = try CeleryApp(
                settings: settings, transports: ProgramContext.current.transports,
                logger: ConnectionOptions.logger(.error))
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
        guard let url = try settings.read().results else {
            throw ValidationError(
                "Specify the result store: --result-backend URL, result_backend of a --config file, or CELERY_RESULT_BACKEND in the environment."
            )
        }
        return url
    }
}
