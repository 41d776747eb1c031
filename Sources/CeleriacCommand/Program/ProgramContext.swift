package import ArgumentParser
import Celeriac
import Foundation

/// The program whose verbs run: its name, and what it has of its own. The command `celeriac` has a name alone.
package struct ProgramContext: Sendable {
    /// The name by which the program was called.
    package var name: String
    /// Its tasks; nil for a command that serves none.
    var program: (any CeleryProgram)?

    /// Makes a context.
    package init(name: String) { self.name = name }

    init(_ program: any CeleryProgram) {
        name = CommandLine.arguments.first.map { URL(fileURLWithPath: $0).lastPathComponent } ?? "program"
        self.program = program
    }

    /// The context of the Swift task that runs a verb.
    @TaskLocal package static var current = ProgramContext(name: "celeriac")

    /// Its settings, which hold where nobody says otherwise.
    var settings: CelerySettings { program?.settings ?? CelerySettings() }

    /// The transports that URLs may name besides the built-in ones.
    var transports: [CeleryTransport] { program?.transports ?? [] }

    /// A text about the command with the program's name in its examples.
    static func naming(_ text: String) -> String {
        current.name == "celeriac" ? text : text.replacingOccurrences(of: "celeriac ", with: current.name + " ")
    }
}

/// The verbs that every command has.
package enum CommandVerbs {
    /// The verbs for Celery's tasks.
    package static var celery: [any ParsableCommand.Type] {
        [
            CallCommand.self, ResultCommand.self, ParkedCommand.self, DecodeCommand.self, BeatCommand.self,
            SettingsCommand.self, StatusCommand.self, PingCommand.self, InspectCommand.self, ControlCommand.self,
            RevokeCommand.self, DrainCommand.self, PurgeCommand.self, ReportCommand.self,
            EventsCommand.self, QueuesCommand.self, ListCommand.self, PauseCommand.self, ResumeCommand.self,
            DoctorCommand.self, MigrateCommand.self,
        ]
    }

    /// The verbs for Machinery's alone.
    package static var machinery: [any ParsableCommand.Type] { [ClaimsCommand.self] }
}
