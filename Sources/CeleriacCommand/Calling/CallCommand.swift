import ArgumentParser
import Celeriac
import CeleriacCore
import CeleriacWire
import CeleryWire
import Foundation
import UnixSignals

/// `celeriac call`: sends one task by name.
struct CallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call",
        abstract: "Send a task by name.",
        discussion: ProgramContext.naming(
            """
            Prints the task's id, or with --wait its result as JSON. Exit status 1 means that the task failed, 2 that \
            nothing could be sent or that no result came in time or before Ctrl-C, 64 that the command line is wrong.

              celeriac call tasks.add --args '[2, 3]' --wait -b redis://localhost/0 --result-backend redis://localhost/1

            With --dialect machinery, arguments are values whose types can be inferred (integers are int64, arrays take \
            the type of their first element), or objects that name their types:

              celeriac call add --dialect machinery --args '[2, {"Type": "int64", "Value": 3}]' --wait -b redis://localhost
            """))

    @Argument(help: "The task's name, for example tasks.add.")
    var task: String

    @Option(name: .shortAndLong, help: "Positional arguments as a JSON list.")
    var args = "[]"

    @Option(name: .shortAndLong, help: "Keyword arguments as a JSON object.")
    var kwargs = "{}"

    @OptionGroup var connection: ConnectionOptions

    @Option(help: "The dialect of the task's workers: celery or machinery.")
    var dialect = DialectName.celery

    @OptionGroup var machinery: MachineryOptions

    @Option(help: "The queue. Default: CELERY_TASK_DEFAULT_QUEUE, or celery.")
    var queue: String?

    @Option(help: "Celery: the routing key. Default: that of the queue, or of the settings' routes.")
    var routingKey: String?

    @Option(help: "Run it no earlier than this time, such as 2027-01-31T12:00:00+01:00; in UTC without an offset.")
    var eta: String?

    @Option(
        parsing: .unconditional, help: "Run it no earlier than this many seconds from now; immediately if negative."
    )
    var countdown: Double?

    @Option(
        parsing: .unconditional,
        help: "Do not run it later than this many seconds from now, or than this time, as for --eta.")
    var expires: String?

    @Option(help: "Priority. On RabbitMQ the highest number is served first, on Redis the lowest.")
    var priority: UInt8?

    @Option(help: "The format of the body: json, msgpack or yaml. Default: CELERY_TASK_SERIALIZER, or json.")
    var serializer: String?

    @Option(
        help: "The compression of the body: zlib, bzip2, xz or zstd. Default: CELERY_TASK_COMPRESSION, or none.")
    var compression: String?

    @Flag(help: "Wait for the result and print it.")
    var wait = false

    @Option(help: "With --wait: the maximum number of seconds to wait.")
    var timeout: Double = 60

    @OptionGroup var printing: OutputOptions

    func validate() throws {
        try ResultPatience.check(countdown, of: "countdown", from: -Double(Duration.longestSeconds))
        try ResultPatience.check(expires.flatMap { Double($0) }, of: "expires")
        try ResultPatience.check(timeout, of: "timeout")
        _ = try signature()
        _ = try (start(), end())
        _ = try connection.brokerURL(or: dialect.brokerVariable)
        guard try !wait || dialect != .celery || connection.resultURL() != nil else {
            throw ValidationError(
                "--wait needs a result store: --result-backend URL, or CELERY_RESULT_BACKEND in the environment.")
        }
        guard dialect == .celery || (expires == nil && compression == nil && (serializer ?? "json") == "json") else {
            throw ValidationError("Machinery's messages support no expiry and no body format but JSON.")
        }
        guard dialect == .celery || routingKey == nil else {
            throw ValidationError("--routing-key is for Celery; Machinery's messages go to --queue.")
        }
    }

    func run() async throws {
        let signature = try signature()
        // From before the task is sent, so that its id is told in any case.
        let signals = await wait ? UnixSignalsSequence(trapping: [.sigint, .sigterm]) : nil
        let status = try await ResultPrinter(output: printing.output).report {
            switch dialect {
            case .celery: try await callCelery(signature, until: signals)
            case .machinery: try await callMachinery(signature, until: signals)
            }
        }
        if status != 0 { throw ExitCode(status) }
    }
}

extension CallCommand {
    private func signature() throws -> Signature<WireValue> {
        Signature(task, arguments: try JSONArgument.list(args), keywordArguments: try JSONArgument.object(kwargs))
    }

    /// When it may begin.
    private func start() throws -> Date? { try eta.map { try Self.time($0, "--eta") } }

    /// When it must have begun.
    private func end() throws -> Date? {
        guard let expires else { return nil }
        if let seconds = Double(expires) { return Date().addingTimeInterval(seconds) }
        return try Self.time(expires, "--expires")
    }

    private static func time(_ text: String, _ option: String) throws -> Date {
        guard let time = CeleryTime.date(text) else {
            throw ValidationError("\(option) must be a time such as 2027-01-31T12:00:00+01:00.")
        }
        return time
    }

    private func callCelery(
        _ signature: Signature<WireValue>, until signals: UnixSignalsSequence?
    ) async throws -> ResultPrinter.Report? {
        let app = try following { try connection.makeApp(patience: ConnectionOptions.patience) }
        var options = SendOptions(
            countdown: countdown.map { .seconds($0) }, eta: try start(), expires: try end(), priority: priority,
            queue: queue, exchange: machinery.exchange, routingKey: routingKey,
            serializer: serializer.map { Serializer(rawValue: $0) },
            compression: compression.map { Compression(rawValue: $0) })
        // Whoever types a command wants to know soon that nobody is there.
        options.publishRetries = 0
        // Whoever waits wants a result, whatever the settings say of results.
        if wait { options.ignoresResult = false }
        return try await closing(app.close) { [options] in
            // Results over rpc:// come to this process alone.
            try await outcome(
                of: try await app.send([signature], options: options).first,
                until: signals,
                isKept: try connection.resultURL()?.hasPrefix("rpc") == false)
        }
    }

    /// Sends the task to Machinery's workers. The broker also stores the results, unless another backend is named.
    private func callMachinery(
        _ signature: Signature<WireValue>, until signals: UnixSignalsSequence?
    ) async throws -> ResultPrinter.Report? {
        let server = try following { try machinery.makeServer(connection) }
        let options = SendOptions(
            countdown: countdown.map { .seconds($0) }, eta: try start(), priority: priority, queue: queue)
        return try await closing(server.close) {
            // To read a state at RabbitMQ is to take it.
            try await outcome(
                of: try await server.send([signature], options: options).first,
                until: signals,
                isKept: machinery.resultURL(connection)?.hasPrefix("amqp") == false)
        }
    }

    /// What is to be told of a task that was sent; `isKept` says whether others can read its result later.
    private func outcome(
        of sent: AsyncResult<WireValue>?, until signals: UnixSignalsSequence?, isKept: Bool
    ) async throws -> ResultPrinter.Report? {
        guard let sent else { return nil }
        guard wait else { return .sent(sent.id) }
        do {
            switch try await ResultPatience(limit: timeout, signals: signals).wait(for: sent) {
            case .came(let value): return .ended(id: sent.id, value)
            case .missed(let time):
                return .missing(id: sent.id, Self.missing(sent.id, time, dialect: dialect, isKept: isKept))
            }
        } catch let error as CeleriacError {
            // The result store failed. The task was sent all the same.
            return .missing(id: sent.id, "the result of \(sent.id) cannot be read: \(FailureText.of(error))")
        }
    }

    /// What is said of a result that has not come: the id, and who has the result later.
    static func missing(_ id: String, _ time: String, dialect: DialectName, isKept: Bool) -> String {
        let text = "the result of \(id) has not arrived \(time)"
        guard isKept else { return text }
        let option = dialect == .machinery ? " --dialect machinery" : ""
        return "\(text); \(ProgramContext.current.name) result \(id)\(option) shows it later"
    }
}
