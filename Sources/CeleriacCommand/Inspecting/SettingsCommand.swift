import ArgumentParser
import Celeriac
import CeleriacCore
import CeleriacWire
import CeleryDialect

/// `celeriac settings`: shows the settings that hold and where they come from, or makes a file of a live worker's.
struct SettingsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "settings",
        abstract: "Show the settings that are set, or write a settings file like a live worker's.",
        discussion: ProgramContext.naming(
            """
            Each setting stands with its value, the place that it comes from, and what is done about it: honoured, taken \
            without effect, or refused. Then come the notices that a worker logs, its warnings of names that nobody knows, \
            and why settings are refused. With --strict, those names are refused too. Secrets are masked as by Celery's \
            inspect conf. What is not listed is as Celery's defaults have it.

            With --like, a live worker in Python or Swift is asked for those of its settings that are not Celery's \
            defaults, and they are printed as a YAML file for --config. Workers tell no secrets, and only the first URL \
            of several: the file has names such as ${BROKER_URL_PASSWORD}, which --config fills in from the environment. What \
            cannot be followed, or has no effect, stands in comments with the reason.

            Exit status 1 means that settings are refused, 2 that the worker could not be asked, 64 that the command \
            line, or with --like a setting, is wrong, or that a variable is not set that the file needs.

              celeriac settings --config celery.yaml
              celeriac settings --like celery@web1 -b redis://localhost/0 > celery.yaml
            """))

    @OptionGroup var connection: ConnectionOptions

    @Option(help: "The node name of a live worker, such as celery@web1, whose settings to print as a file.")
    var like: String?

    @Option(help: "With --like, how many seconds to wait for the worker's answer.")
    var timeout = 5.0

    @OptionGroup var printing: OutputOptions

    func validate() throws {
        guard like != nil else { return }
        _ = try connection.brokerURL()
        guard 0.1...3600 ~= timeout else { throw ValidationError("--timeout must be from 0.1 to 3600 seconds.") }
    }

    func run() async throws {
        guard let like else {
            let listing = SettingsListing(
                over: ProgramContext.current.settings, layers: try connection.settings.layers(),
                isStrict: connection.settings.strict)
            listing.print(to: printing.output)
            if !listing.refusals.isEmpty { throw ExitCode(1) }
            return
        }
        let app = try following {
            try connection.makeApp(keepsResults: false, patience: ConnectionOptions.patience)
        }
        do {
            let replies = try await closing(app.close) {
                try await app.control(destination: [like], timeout: .seconds(timeout)).conf()
            }
            app.warnOfReplies()
            guard let reply = replies.first(where: { $0.node == like }) else {
                throw Self.silence(of: like, for: timeout, app.control.trouble)
            }
            write(WorkerSettingsFile(of: reply.node, conf: try reply.get()))
        } catch {
            CommandEnvironment.say("Error: \(FailureText.of(error))")
            throw ExitCode.of(error, else: ExitCode(2))
        }
    }

    /// What is said where no reply of a worker came, or none that can be read.
    static func silence(of node: String, for seconds: Double, _ trouble: ReplyTrouble) -> CeleriacError {
        let name = node.printable
        if let unreadable = trouble.unreadable {
            return CeleriacError(.resultMismatch, "\(name) may have answered, but \(unreadable)")
        }
        return CeleriacError(
            .timeout,
            "No worker of the name \(name) has answered within \(seconds) s: see that it runs, that its remote control is "
                + "on, and that it is at this broker")
    }

    private func write(_ file: WorkerSettingsFile) {
        let omissions = file.omissions.map { omission -> WireValue in
            ["name": .string(omission.name), "value": omission.value, "reason": .string(omission.reason)]
        }
        let object: WireObject = [
            "node": .string(file.node), "settings": .object(file.settings),
            "secrets": .array(file.secrets.map { .string($0) }), "omissions": .array(omissions),
        ]
        // The output ends its lines itself.
        printing.output.show(object) { [String(file.text.dropLast())] }
    }
}

/// The settings that a command has, and where they come from.
struct SettingsListing {
    /// A setting.
    struct Row {
        let name: String
        /// The value, without secrets.
        let value: WireValue
        /// Where it comes from, such as `the environment`.
        let place: String
        /// What is done about it.
        let verdict: String
    }

    private(set) var rows: [Row] = []
    /// What is told of settings that have no effect.
    private(set) var notices: [String] = []
    /// What is told of names that nobody knows.
    private(set) var warnings: [String] = []
    /// Why settings are refused.
    private(set) var refusals: [String] = []

    /// Looks at layers of settings over those of a program; `isStrict` refuses what is else warned of.
    init(over own: CelerySettings, layers: [SettingsLayer], isStrict: Bool) {
        let found = SettingRefusal.all(over: own, layers: layers)
        let refused = Set(found.flatMap(\.names))
        refusals = found.map { $0.error.message }
        // The others are read without those that are refused.
        let accepted = layers.map { layer in
            SettingsLayer(
                place: layer.place, layer.values.filter { !refused.contains($0.key) }, warnings: layer.warnings)
        }
        if let settings = try? CelerySettings(over: own, layers: accepted) {
            let before = Set(own.notices)
            notices = settings.notices.filter { !before.contains($0) }
            warnings = settings.warnings
        }
        if isStrict {
            refusals += warnings
            warnings = []
        }
        var origins: [String: (value: WireValue, place: String)] = [:]
        if let broker = own.broker { origins["broker_url"] = (value: .string(broker), place: "the program") }
        if let results = own.results { origins["result_backend"] = (value: .string(results), place: "the program") }
        for layer in layers {
            for (name, value) in layer.values { origins[name] = (value: value, place: layer.place) }
        }
        rows = origins.sorted { $0.key < $1.key }.map { name, origin in
            let verdict = refused.contains(name) ? "refused" : Self.word(for: name)
            return Row(
                name: name, value: SettingSecrets.masked(name, origin.value), place: origin.place, verdict: verdict)
        }
    }

    private static func word(for name: String) -> String {
        switch SettingNames.verdict(of: name) {
        case .withoutEffect?: "no effect"
        default: "honoured"
        }
    }

    /// Prints everything.
    func print(to output: CommandOutput) {
        let settings = rows.map { row -> WireValue in
            [
                "name": .string(row.name), "value": row.value, "from": .string(row.place),
                "verdict": .string(row.verdict),
            ]
        }
        let object: WireObject = [
            "settings": .array(settings), "notices": .array(notices.map { .string($0) }),
            "warnings": .array(warnings.map { .string($0) }), "refusals": .array(refusals.map { .string($0) }),
        ]
        output.show(object) {
            // Values may be long, and would push what stands behind them out of sight.
            let table = TextTable(
                ["SETTING", "VERDICT", "FROM", "VALUE"],
                rows.map { [$0.name, $0.verdict, $0.place, output.text(of: $0.value)] },
                empty: "Nothing is set: Celery's defaults hold.")
            return table.lines + notices.map { "Notice: \($0.printable)" } + warnings.map { "Warning: \($0.printable)" }
                + refusals.map { "Refused: \($0.printable)" }
        }
    }
}
