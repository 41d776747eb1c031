import ArgumentParser
import Celeriac
import CeleriacCore
import CeleriacWire
import UnixSignals

/// `celeriac result`: waits for a task's result and shows it, or shows what is stored now.
struct ResultCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "result",
        abstract: "Show the state and the result of a task.",
        discussion: """
            Waits until the task has ended, as Celery's command does, and prints the state, and the result as JSON. With \
            --no-wait it prints the state that is stored now, PENDING if none is. With --traceback it waits no more, and \
            prints the traceback of a failure, or None. Exit status 1 means that the task failed, 2 that its result \
            cannot be read, or did not come in time or before Ctrl-C, 64 that the command line is wrong.
            """)

    @Argument(help: "The task's id.")
    var id: String

    @OptionGroup var connection: ConnectionOptions

    @Option(help: "The dialect of the task's workers: celery or machinery.")
    var dialect = DialectName.celery

    @OptionGroup var machinery: MachineryOptions

    @Flag(inversion: .prefixedNo, help: "Wait until the task has ended.")
    var wait = true

    @Option(help: "The maximum number of seconds to wait. Default: as long as it takes.")
    var timeout: Double?

    @Flag(help: "Print the traceback that is stored, in place of the result.")
    var traceback = false

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Taken: where a task's result is stored does not depend on its name.", visibility: .hidden))
    var task: String?

    @OptionGroup var printing: OutputOptions

    func validate() throws {
        try ResultPatience.check(timeout, of: "timeout")
        _ = try url()
    }

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
        let result = sender.result(id, as: WireValue.self)
        do {
            if traceback {
                let stored = try await result.stored()
                return .traceback(id: id, stored?.state ?? .pending, stored?.error?.traceback)
            }
            return wait ? try await ended(result) : try await current(result)
        } catch let error as RemoteTaskError {
            // The key says whose result it is, where the result itself does not.
            var named = error
            named.taskID = id
            throw named
        }
    }

    /// What is stored now.
    private func current(_ result: AsyncResult<WireValue>) async throws -> ResultPrinter.Report {
        guard let stored = try await result.untyped() else { return .pending(id) }
        if let error = stored.error { throw error }
        return .state(id: id, stored.state, stored.value)
    }

    /// What is stored when the task has ended.
    private func ended(_ result: AsyncResult<WireValue>) async throws -> ResultPrinter.Report {
        let signals = await UnixSignalsSequence(trapping: [.sigint, .sigterm])
        switch try await ResultPatience(limit: timeout, signals: signals).wait(for: result) {
        case .came(let value): return .state(id: id, .success, value)
        case .missed(let time):
            return .missing(id: id, CallCommand.missing(id, time, dialect: dialect, isKept: true))
        }
    }
}
