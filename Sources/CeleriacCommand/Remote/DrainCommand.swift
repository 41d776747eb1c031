import ArgumentParser
import Celeriac
import CeleriacCore
import CeleriacWire
import CeleryDialect

/// `celeriac drain`: has workers take nothing more, and waits until they hold nothing.
struct DrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Have workers take nothing more, and wait until what they hold has ended.",
        discussion: ProgramContext.naming(
            """
            The workers leave all their queues (cancel_consumer), run what they have taken, and stay reachable: they can be \
            inspected, and shut down when nothing runs any more. control add_consumer has one serve a queue again. Tasks \
            that wait for their time stay with the worker; --scheduled waits for them as well, which may take long.

            Exit status 0 means that the workers hold nothing, 1 that some still do when the time is over, have refused or \
            have gone; 69 that nobody has replied or that the broker cannot be reached, 64 that the command line is wrong.

              celeriac drain -d celery@web1 --within 600 -b redis://localhost/0 && celeriac control shutdown -d celery@web1
            """))

    @OptionGroup var remote: RemoteOptions

    @Flag(help: "All workers, in place of --destination.")
    var all = false

    @Flag(help: "Wait also for tasks that wait for their time.")
    var scheduled = false

    @Option(help: "How many seconds to wait at most. Default: until they hold nothing.")
    var within: Double?

    func validate() throws {
        guard all == (remote.nodes == nil) else {
            throw ValidationError("Say which workers: --destination with their names, or --all.")
        }
        if let within, !(0...Double(Duration.longestSeconds) ~= within) {
            throw ValidationError("--within must be a number of seconds from 0.")
        }
        try remote.requireBroker()
    }

    func run() async throws {
        let deadline = within.map { ContinuousClock.now + .seconds($0) }
        let progress = try await remote.connection.visit { app in
            var progress = try await leaveQueues(app)
            var line = ProgressLine()
            defer { line.clear() }
            while true {
                try await look(app, &progress)
                line.show(progress.line)
                if progress.undrained.isEmpty { break }
                if let deadline, deadline <= ContinuousClock.now { break }
                try await Task.sleep(for: .milliseconds(500))
            }
            return progress
        }
        show(progress)
        if !progress.isComplete { throw ExitCode(1) }
    }

    /// Has every worker leave the queues that it serves.
    private func leaveQueues(_ app: CeleryApp) async throws -> DrainProgress {
        let served = try await remote.control(of: app).broadcast("active_queues", reply: true).map { NodeReply($0) }
        if served.isEmpty {
            CommandEnvironment.say("Error: No nodes replied within time constraint")
            throw ExitCode.unavailable
        }
        var progress = DrainProgress((remote.nodes ?? []) + served.map(\.node), withScheduled: scheduled)
        var nodes: [String: [String]] = [:]
        for reply in served {
            for queue in reply.value.arrayValue ?? [] {
                if let name = queue["name"]?.stringValue { nodes[name, default: []].append(reply.node) }
            }
        }
        for (queue, nodes) in nodes.sorted(by: { $0.key < $1.key }) {
            let control = asking(nodes, app)
            for reply in try await control.broadcast("cancel_consumer", ["queue": .string(queue)], reply: true) {
                progress.note(NodeReply(reply), leaving: queue)
            }
        }
        return progress
    }

    /// Asks the workers that are waited for what they hold, in the order in which tasks go through a worker: each is then
    /// counted at least once.
    private func look(_ app: CeleryApp, _ progress: inout DrainProgress) async throws {
        let asked = progress.undrained.map(\.node)
        if asked.isEmpty { return }
        let control = asking(asked, app)
        func replies(_ command: String) async throws -> [NodeReply] {
            try await control.broadcast(command, reply: true).map { NodeReply($0) }
        }
        let queues = try await replies("active_queues")
        progress.note(queues, \.serving)
        let scheduled = try await replies("scheduled")
        progress.note(scheduled, \.scheduled)
        let waiting = try await replies("reserved")
        progress.note(waiting, \.waiting)
        let running = try await replies("active")
        progress.note(running, \.running)
        progress.endRound(asked: asked, answered: Set(running.map(\.node)))
    }

    private func asking(_ nodes: [String], _ app: CeleryApp) -> CeleryControl {
        app.control(destination: nodes, timeout: .seconds(remote.timeout))
    }

    private func show(_ progress: DrainProgress) {
        let output = remote.printing.output
        let workers = progress.all.map { worker -> WireValue in
            [
                "node": .string(worker.node), "queues": .array(worker.queues.map { .string($0) }),
                "refusals": .array(worker.refusals.map { .string($0) }), "running": Self.number(worker.running),
                "waiting": Self.number(worker.waiting), "scheduled": Self.number(worker.scheduled),
                "drained": .bool(worker.isDrained),
            ]
        }
        output.show(["workers": .array(workers)]) {
            TextTable(
                ["WORKER", "LEFT QUEUES", "RUNNING", "WAITING", "SCHEDULED", "STATE"],
                progress.all.map { worker in
                    [
                        worker.node, worker.queues.joined(separator: ","), worker.running.map { "\($0)" },
                        worker.waiting.map { "\($0)" }, worker.scheduled.map { "\($0)" }, state(of: worker),
                    ]
                }, empty: "No worker is there."
            ).lines
        }
    }

    private func state(of worker: DrainProgress.Worker) -> String {
        if let refusal = worker.refusals.first { return "refused to leave \(refusal)" }
        if worker.isDrained { return "drained" }
        return worker.isGone || worker.running == nil ? "gives no answer" : "not drained"
    }

    private static func number(_ count: Int?) -> WireValue { count.map { .int(Int64($0)) } ?? .null }
}
