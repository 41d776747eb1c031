import ArgumentParser
public import Celeriac
public import CeleriacCore
import Foundation
public import Logging

/// A program with tasks, and with Celery's verbs for them: `worker`, `beat`, `call`, `result` and others.
///
/// ```swift
/// import Celeriac
/// import CeleriacCommand
///
/// @main struct Math: CeleryProgram {
///     var tasks: [TaskHandler] {
///         TaskDefinition<Int, Int, Int>("tasks.add").handler { x, y in x + y }
///     }
/// }
/// ```
///
/// `Math worker -b redis://localhost/0 -l INFO -Q math` is then a Celery worker; `Math --help` lists the verbs, and
/// `Math worker --help` the flags, which are Celery's. Settings come from flags, from variables such as
/// `CELERY_BROKER_URL`, from a YAML file that `--config` names and from ``settings``; the first of these that says
/// something counts.
public protocol CeleryProgram: Sendable {
    /// Makes the program, before its command line is read.
    init()

    /// The handlers of the tasks that its workers serve. A worker asks once, after ``prepare(_:)``.
    @TaskHandlerBuilder var tasks: [TaskHandler] { get }

    /// The program's own settings, which hold where its command line, environment and settings file say nothing. By
    /// default Celery's defaults, without a broker.
    var settings: CelerySettings { get }

    /// Transports of your own, whose schemes URLs may use. None by default.
    var transports: [CeleryTransport] { get }

    /// The logger of its workers, for a program that has its own way with logs. Nil by default: a worker then writes lines
    /// as Celery does, to standard error or the file that `--logfile` names. `--loglevel` holds for both.
    var logger: Logger? { get }

    /// Prepares a worker, whose settings are complete: opens what its handlers share (``WorkerConfiguration/share(_:)``),
    /// sets hooks. Does nothing by default. The worker does not start if this throws.
    func prepare(_ worker: inout WorkerConfiguration) async throws

    /// Closes what ``prepare(_:)`` has opened, after the worker has ended. Does nothing by default.
    func finish() async
}

extension CeleryProgram {
    /// Celery's defaults, without a broker.
    public var settings: CelerySettings { CelerySettings() }

    /// No transports but the built-in ones.
    public var transports: [CeleryTransport] { [] }

    /// No logger of its own.
    public var logger: Logger? { nil }

    /// Leaves a worker as it is.
    public func prepare(_ worker: inout WorkerConfiguration) async throws {}

    /// Does nothing.
    public func finish() async {}

    /// Reads the command line and does what it says: `@main` calls this.
    public static func main() async {
        let context = ProgramContext(Self())
        await ProgramContext.$current.withValue(context) {
            let arguments = CommandLineOrder.verbFirst(Array(CommandLine.arguments.dropFirst()))
            CommandLineOrder.refuseUnknownVerb(arguments, of: ProgramCommand.self)
            await ProgramCommand.main(arguments)
        }
    }
}

/// The root of a program's verbs.
struct ProgramCommand: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: ProgramContext.current.name,
            abstract: "Tasks that share queues with Python Celery.",
            discussion: "Options such as --broker and --config may stand before the verb, too, as Celery has them.",
            version: CommandVersion.line,
            subcommands: [WorkerCommand.self] + CommandVerbs.celery)
    }
}
