import ArgumentParser
import Celeriac
import CeleriacCore
import Foundation

/// Where a command's settings come from. A flag goes before the environment, which goes before the settings file, which
/// goes before what the program itself says.
struct SettingsOptions: ParsableArguments {
    @Option(
        name: [.short, .long],
        help: """
            The broker's URL: redis://, rediss://, sentinel://, amqp://, amqps:// or filesystem://. Default: \
            CELERY_BROKER_URL.
            """)
    var broker: String?

    @Option(help: "The result store's URL: redis://, rpc:// or file://. Default: CELERY_RESULT_BACKEND.")
    var resultBackend: String?

    @Option(
        help: """
            A YAML file of settings by Celery's names in lower case, in which ${NAME} stands for an environment variable. A \
            variable CELERY_<NAME> goes before it, and a flag before both.
            """,
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    @Flag(help: "Refuse names in the settings that nobody knows, of which the log else warns.")
    var strict = false

    @Option(
        name: [.customShort("A"), .long],
        help: ArgumentHelp("Taken for the sake of Celery's command lines, and not looked at.", visibility: .hidden))
    var app: String?

    @Flag(name: [.customShort("C"), .long], help: "Print no colors, as where standard output is no terminal.")
    var noColor = false

    /// How standard output is styled.
    var style: TerminalStyle { TerminalStyle(noColor: noColor) }

    /// Reads the settings.
    ///
    /// - Parameters:
    ///   - flags: what further flags say, each under the name of its setting.
    ///   - environment: the environment's variables.
    /// - Returns: the settings.
    /// - Throws: `ValidationError` that names the setting and where it stands.
    func read(
        _ flags: [SettingsLayer] = [], environment: [String: String] = CommandEnvironment().all
    ) throws -> CelerySettings {
        let layers = try layers(environment: environment)
        do {
            return try CelerySettings(over: ProgramContext.current.settings, layers: layers + flags, isStrict: strict)
        } catch {
            throw ValidationError(FailureText.of(error))
        }
    }

    /// What the settings file, the environment and the flags say, before anybody looks at the values.
    ///
    /// - Throws: `ValidationError` that names the place.
    func layers(environment: [String: String] = CommandEnvironment().all) throws -> [SettingsLayer] {
        var layers: [SettingsLayer] = []
        do {
            if let config {
                guard let content = FileManager.default.contents(atPath: config) else {
                    throw CeleriacError(
                        .configuration,
                        "the settings file \(config) does not exist or cannot be read: --config is the path of a YAML file"
                    )
                }
                let place = "the settings file \(config)"
                layers.append(try SettingsLayer(yaml: [UInt8](content), place: place, environment: environment))
            }
            layers.append(try SettingsLayer(environment: environment))
        } catch let error as CeleriacError {
            throw ValidationError(FailureText.of(error))
        }
        if let broker { layers.append(SettingsLayer(place: "--broker", ["broker_url": .string(broker)])) }
        if let resultBackend {
            layers.append(SettingsLayer(place: "--result-backend", ["result_backend": .string(resultBackend)]))
        }
        return layers
    }
}
