import ArgumentParser
import CeleriacCommand
import CeleriacWire

/// `celeriac conform worker`: puts messages before a worker, and looks at the wire.
struct ConformWorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Test a worker beside a real broker.",
        discussion: """
            A private broker and a Redis for results are started, and the command with CELERY_BROKER_URL and \
            CELERY_RESULT_BACKEND in its environment (BROKER and RESULT_BACKEND for Machinery). It must serve the \
            kit's tasks, which Compat/kit/README.md lists, on the queue celery.
            """)

    @OptionGroup var live: ConformLive

    func run() async throws { try await live.run(.worker) }
}

/// `celeriac conform producer`: asks a program to send tasks, and looks at the wire.
struct ConformProducerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "producer",
        abstract: "Test what a program sends to a real broker.",
        discussion: """
            The program is asked to send by lines of JSON on its standard input, with the questions of the producers' \
            protocol that `celeriac produce` answers too. It finds the servers as a worker does.
            """)

    @OptionGroup var live: ConformLive

    func run() async throws { try await live.run(.producer) }
}

/// `celeriac conform client`: asks a program for results that the kit has stored.
struct ConformClientCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "client",
        abstract: "Test how a program reads results and steers workers.",
        discussion: "The program is asked by lines of JSON on its standard input, as a producer is.")

    @OptionGroup var live: ConformLive

    func run() async throws { try await live.run(.client) }
}

/// `celeriac conform beat`: looks at what a beat sends by the kit's schedule.
struct ConformBeatCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "beat",
        abstract: "Test what a beat sends, and when.",
        discussion: """
            The program has the schedule of Compat/kit/adapters/schedule.yaml, and finds the broker as a worker does. The \
            run takes two minutes, as one entry is due once a minute.

              celeriac conform beat -- celeriac beat --schedule Compat/kit/adapters/schedule.yaml
            """)

    @OptionGroup var live: ConformLive

    func run() async throws { try await live.run(.beat) }
}

/// `celeriac conform monitor`: publishes events, and looks at what a monitor prints.
struct ConformMonitorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "monitor",
        abstract: "Test what a monitor makes of events.",
        discussion: """
            The program prints a line for each event, in any form that has the ids, names and texts of the event; it finds \
            the broker as a worker does.

              celeriac conform monitor -- celeriac events --dump
            """)

    @OptionGroup var live: ConformLive

    func run() async throws { try await live.run(.monitor) }
}

/// What the verbs of the live tiers have in common.
struct ConformLive: ParsableArguments {
    @OptionGroup var choice: ConformChoice
    @OptionGroup var reports: ConformReports

    @Option(help: "redis or rabbitmq.")
    var broker: LiveBrokerKind = .redis

    @Option(help: "What the testee lacks, such as control: cases that need it are not played. May be repeated.")
    var lacks: [String] = []

    @Argument(parsing: .postTerminator, help: "The program and its arguments, after --.")
    var command: [String] = []

    func validate() throws {
        guard choice.explain != nil || !command.isEmpty else {
            throw ValidationError("Specify the program to test, after --.")
        }
        try reports.validate(for: choice)
    }

    /// Plays the cases of a role.
    ///
    /// - Throws: `ExitCode`: 1 if a case failed, 2 if nothing could be tested.
    func run(_ role: LiveRole) async throws {
        let tier = "live-\(role.rawValue)"
        do {
            if let id = choice.explain { return try choice.show(id, tier: tier, on: reports.output) }
            let all = try choice.chosen(tier: tier)
            let cases = all.filter { $0.isPlayed(at: broker) }
            guard !cases.isEmpty else { throw ConformanceError("no case of these is played at \(broker.rawValue)") }
            let known = try reports.known()
            let rows = try await play(cases, role, try choice.executable(command))
            // A list of known failures may name cases of the other broker.
            let isWhole = choice.cases.isEmpty && cases.count == all.count
            try reports.report(rows, of: command, known: known, isWhole: isWhole)
        } catch let status as ExitCode {
            throw status
        } catch {
            CommandEnvironment.say("Error: \(error)")
            throw ExitCode(2)
        }
    }

    private func play(
        _ cases: [ConformanceCase], _ role: LiveRole, _ executable: String
    ) async throws -> [ConformanceRow] {
        let services = try await LiveServices.start(broker, dialect: choice.dialect)
        let arguments = Array(command.dropFirst())
        let site = ConformanceSite(
            role: role, dialect: choice.dialect, broker: services.broker, store: services.store,
            launch: {
                try LiveProcess(executable, arguments, variables: services.variables, role: role)
            })
        do {
            let rows = try await LiveRun(site: site, lacks: Set(lacks)).rows(of: cases)
            await services.close()
            return rows
        } catch {
            await services.close()
            throw error
        }
    }
}

extension LiveBrokerKind: ExpressibleByArgument {}

extension ConformanceCase {
    /// Whether a live case is played at a broker.
    func isPlayed(at broker: LiveBrokerKind) -> Bool {
        input["brokers"]?.arrayValue?.contains(.string(broker.rawValue)) ?? true
    }
}
