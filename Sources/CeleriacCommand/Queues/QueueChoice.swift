import ArgumentParser
import Celeriac
import CeleriacCore

/// Which queues a verb is about, as Celery's options `-Q` and `-X` say it.
struct QueueChoice: ParsableArguments {
    @Option(
        name: [.customShort("Q"), .long],
        help: "The queues, separated by commas. May be repeated. Default: task_queues, or task_default_queue.")
    var queues: [String] = []

    @Option(name: [.customShort("X"), .long], help: "Queues to leave out, separated by commas. May be repeated.")
    var excludeQueues: [String] = []

    /// Whether the command line says which queues are meant.
    var namesQueues: Bool { !CommaList.parts(queues).isEmpty }

    /// The names of the queues, each once.
    ///
    /// - Parameter known: those that are meant if the command line names none.
    /// - Returns: the names, in the order of the command line.
    /// - Throws: `ValidationError` if none is left.
    func names(else known: [String]) throws -> [String] {
        let wanted = CommaList.parts(queues)
        let excluded = Set(CommaList.parts(excludeQueues))
        var seen: Set<String> = []
        let names = (wanted.isEmpty ? known : wanted).filter { !excluded.contains($0) && seen.insert($0).inserted }
        if names.isEmpty { throw ValidationError("No queue is left: --queues and --exclude-queues leave none.") }
        return names
    }
}

extension ConnectionOptions {
    /// The names of the queues that the settings have.
    func knownQueues() throws -> [String] { try settings.read().worker.queues.map(\.name) }
}
