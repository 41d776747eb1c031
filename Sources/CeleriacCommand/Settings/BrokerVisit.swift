import ArgumentParser
import Celeriac
import CeleriacCore

extension ConnectionOptions {
    /// For how long the verbs, but for those that go on, try to reach a broker or a result store.
    static let patience = CommandEnvironment.patience

    /// Runs `body` with an application that has no result store, and gives up soon if nobody answers.
    ///
    /// - Throws: `ValidationError`; else `ExitCode` for the process, after the reason was told: 64 for settings that cannot
    ///   be used or do not suffice, and 69 for everything else, as Celery's commands end.
    func visit<Value>(_ body: (CeleryApp) async throws -> Value) async throws -> Value {
        let app = try following { try makeApp(keepsResults: false, patience: Self.patience) }
        defer { app.warnOfReplies() }
        do {
            return try await closing(app.close) { try await body(app) }
        } catch let code as ExitCode {
            throw code
        } catch let error as ValidationError {
            throw error
        } catch {
            CommandEnvironment.say("Error: \(FailureText.of(error))")
            throw ExitCode.of(error, else: .unavailable)
        }
    }
}

/// Makes something that follows settings, such as an application.
///
/// - Throws: `ExitCode` 64 for settings that cannot be followed, after the reason was told; what else `make` throws.
func following<Value>(_ make: () throws -> Value) throws -> Value {
    do {
        return try make()
    } catch let error as CeleriacError {
        CommandEnvironment.say("Error: \(FailureText.of(error))")
        throw ExitCode.validationFailure
    }
}

extension ExitCode {
    /// `EX_UNAVAILABLE`: nobody has replied, or the broker cannot be reached. Celery's commands end with it.
    static let unavailable = ExitCode(69)

    /// With what a verb ends that could not do what it was told: 64 for want of a setting, as for a wrong one.
    static func of(_ error: any Error, else usual: ExitCode) -> ExitCode {
        (error as? CeleriacError)?.cause is MissingSetting ? .validationFailure : usual
    }
}
