import ArgumentParser
import Celeriac
import CeleriacCore

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

    @OptionGroup var connection: ConnectionOptions

    @Option(help: "The dialect of the task's workers: celery or machinery.")
    var dialect = DialectName.celery

    @OptionGroup var machinery: MachineryOptions

    @OptionGroup var printing: OutputOptions

    func validate() throws { _ = try url() }

    func run() async throws {
        let url = try url()
        let status = try await ResultPrinter(output: printing.output).report {
            switch dialect {
            case .celery: try await celeryReport(url)
            case .machinery: try await machineryReport(url)
            }
        }
        if status != 0 { throw ExitCode(status) }
    }

    private func url() throws -> String {
        switch dialect {
        case .celery:
            guard let url = try connection.resultURL() else {
                throw ValidationError(
                    "Specify the result store: --result-backend URL, result_backend of a --config file, or CELERY_RESULT_BACKEND in the environment."
                )
            }
            return url
        case .machinery:
            guard let url = machinery.resultURL(connection) else {
                throw ValidationError(
                    "Specify the result backend: --result-backend URL, or RESULT_BACKEND in the environment; or the broker, if that stores the results: --broker URL, or BROKER in the environment."
                )
            }
            return url
        }
    }

    private func celeryReport(_ url: String) async throws -> ResultPrinter.Report? {
        let app = try following {
            guard !url.lowercased().hasPrefix("rpc:") else {
                throw CeleriacError(
                    .configuration,
                    "Results over rpc:// reach only the process that sent the task: use celeriac call --wait")
            }
            var settings = try connection.settings.read()
            // Nothing is sent, and a result store of its own needs no broker.
            settings.broker = "memory://"
            settings.limitConnecting(to: ConnectionOptions.patience)
            return try CeleryApp(
                settings: settings, transports: ProgramContext.current.transports, logger: connection.logger())
        }
        return try await closing(app.close) { try await report(of: app) }
    }

    private func machineryReport(_ url: String) async throws -> ResultPrinter.Report? {
        let server = try following {
            guard !url.lowercased().hasPrefix("amqp") else {
                throw CeleriacError(
                    .configuration,
                    "Machinery's results at RabbitMQ reach only whoever reads them first, which would be this command: "
                        + "use celeriac call --dialect machinery --wait")
            }
            return try machinery.makeReader(connection)
        }
        return try await closing(server.close) { try await report(of: server) }
    }

    private func report(of sender: any TaskSender) async throws -> ResultPrinter.Report? {
        guard let stored = try await sender.result(id, as: WireValue.self).untyped() else { return .pending(id) }
        if var error = stored.error {
            // The key says whose result it is, where the result itself does not.
            error.taskID = id
            throw error
        }
        return .state(id: id, stored.state, stored.value)
    }
}
