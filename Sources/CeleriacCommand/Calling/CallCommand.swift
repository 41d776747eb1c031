import ArgumentParser
import Celeriac
import Foundation

/// `celeriac call`: sends one task by its name.
struct CallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call",
        abstract: "Send a task by its name.",
        discussion: """
            Prints the task's id, or with --wait its result as JSON. Exit status 1 says that the task failed, 2 that \
            nothing could be sent or that no result came in time.

              celeriac call tasks.add --args '[2, 3]' --wait -b redis://localhost/0 --result-backend redis://localhost/1

            With --dialect machinery arguments are values whose types can be told (integers are int64, arrays take the \
            type of their first element), or objects that name theirs:

              celeriac call add --dialect machinery --args '[2, {"Type": "int64", "Value": 3}]' --wait -b redis://localhost
            """)

    @Argument(help: "The task's name, for instance tasks.add.")
    var task: String

    @Option(help: "Positional arguments as a JSON list.")
    var args = "[]"

    @Option(help: "Keyword arguments as a JSON object.")
    var kwargs = "{}"

    @OptionGroup var connection: ConnectionOptions

    @Option(help: "Whose task it is: celery or machinery.")
    var dialect = Dialect.celery

    @OptionGroup var machinery: MachineryOptions

    enum Dialect: String, ExpressibleByArgument {
        case celery, machinery
    }

    @Option(help: "The queue. Default: celery.")
    var queue: String?

    @Option(help: "Run it no earlier than this many seconds from now.")
    var countdown: Double?

    @Option(help: "Do not run it later than this many seconds from now.")
    var expires: Double?

    @Option(help: "Priority. On RabbitMQ the highest number is served first, on Redis the lowest.")
    var priority: UInt8?

    @Option(help: "The form of the body: json, msgpack or yaml.")
    var serializer = "json"

    @Option(help: "The compression of the body: zlib, bzip2, xz or zstd.")
    var compression: String?

    @Flag(help: "Wait for the result and print it.")
    var wait = false

    @Option(help: "With --wait: how many seconds to wait at most.")
    var timeout: Double = 60

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        for (name, seconds) in [("countdown", countdown), ("expires", expires), ("timeout", timeout as Double?)] {
            // A hundred years. What is no number is in no range.
            guard let seconds, !(0...3_155_760_000 ~= seconds) else { continue }
            throw ValidationError("--\(name) is a number of seconds from 0 to 3155760000.")
        }
    }

    func run() async throws {
        let signature = Signature(
            task, arguments: try JSONArgument.list(args), keywordArguments: try JSONArgument.object(kwargs))
        if dialect == .machinery { return try await callMachinery(signature) }
        let app = try connection.makeApp()
        var options = SendOptions(
            countdown: countdown.map { .seconds($0) }, expires: expires.map { Date().addingTimeInterval($0) },
            priority: priority, queue: queue, serializer: Serializer(rawValue: serializer),
            compression: compression.map { Compression(rawValue: $0) })
        if !wait { options.ignoresResult = false }
        let status = await ResultPrinter(json: json).report {
            guard let result = try await app.send([signature], options: options).first else { return nil }
            guard wait else { return .sent(result.id) }
            return .ended(id: result.id, try await result.get(timeout: .seconds(timeout)))
        }
        await app.close()
        if status != 0 { throw ExitCode(status) }
    }
}

extension CallCommand {
    /// Sends the task to Machinery's workers. The broker keeps the results too, unless another backend is named.
    private func callMachinery(_ signature: Signature<WireValue>) async throws {
        guard expires == nil, compression == nil, serializer == "json" else {
            throw ValidationError("Machinery's messages carry no expiry and no other body than JSON.")
        }
        let server = try machinery.makeServer(connection)
        let options = SendOptions(countdown: countdown.map { .seconds($0) }, priority: priority, queue: queue)
        let status = await ResultPrinter(json: json).report {
            guard let result = try await server.send([signature], options: options).first else { return nil }
            guard wait else { return .sent(result.id) }
            return .ended(id: result.id, try await result.get(timeout: .seconds(timeout)))
        }
        await server.close()
        if status != 0 { throw ExitCode(status) }
    }
}
